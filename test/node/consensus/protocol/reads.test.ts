/** protocol.md, section 11. */
import { expect, test } from "vitest";
import {
  ackOf,
  bootOf,
  hear,
  messagesOf,
  ofKind,
  propose,
  rosterOfBoots,
  viewOf,
} from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const read = (...tickets: readonly number[]) => ({ kind: "read", tickets }) as const;
const answered = (cluster: Cluster) =>
  ofKind(cluster.effects(a), "read-ready").map(({ tickets, index }) => ({ tickets, index }));
/** The ack of B or C to the append that it was sent last. */
const ackIn = (cluster: Cluster, round: number, changes: Parameters<typeof ackOf>[2] = {}) =>
  ackOf(1, cluster.replica(a).log.last, { round, ...changes });

test("11.1 a read is answered once a quorum has confirmed the leader since it came", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b, c);
  const asked = cluster.take(a, read(1));
  const [round] = messagesOf(asked, "append", b).map((append) => append.round);
  expect(round).toBe(1);
  cluster.take(a, hear(b, ackIn(cluster, 0)));
  expect(answered(cluster)).toEqual([]);
  cluster.take(a, hear(b, ackIn(cluster, 1)));
  expect(answered(cluster)).toEqual([{ tickets: [1], index: 1 }]);
});

test("11.1 it is answered from the commit index of when it came", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, propose(1));
  cluster.deliver();
  cluster.cut(b, c);
  cluster.take(a, read(1));
  cluster.take(a, propose(2));
  const { last } = cluster.replica(a).log;
  cluster.take(a, hear(c, ackOf(1, last, { round: 0 })));
  expect(cluster.replica(a).commitIndex).toBe(3);
  cluster.take(a, hear(c, ackOf(1, last, { round: 1 })));
  expect(answered(cluster)).toEqual([{ tickets: [1], index: 2 }]);
});

test("11.1 acks that do not count confirm nothing", () => {
  const cluster = serving([a, b, c]);
  const b2 = bootOf(1, 2);
  cluster.take(a, { kind: "connected", boot: b2 });
  cluster.cut(b, c);
  cluster.take(a, read(1));
  cluster.take(a, hear(b2, ackIn(cluster, 1)));
  cluster.take(a, hear(b, ackIn(cluster, 1, { status: "recovering" })));
  expect(answered(cluster)).toEqual([]);
  cluster.take(a, hear(c, ackIn(cluster, 1)));
  expect(answered(cluster)).toHaveLength(1);
});

test("11.1 a leader that was deposed answers none", () => {
  const cluster = serving([a, b, c]);
  cluster.show(viewOf(rosterOfBoots([a, b, c]), 2, b), b, c);
  cluster.deliver();
  expect(cluster.replica(b).office?.stage).toBe("active");
  cluster.forget();
  cluster.take(a, read(1));
  cluster.deliver();
  cluster.show(viewOf(rosterOfBoots([a, b, c]), 2, b), a);
  expect(answered(cluster)).toEqual([]);
  expect(ofKind(cluster.effects(a), "declined")).toEqual([{ kind: "declined", tickets: [1] }]);
});

test("11.2 reads that arrive during a round share the next one", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b, c);
  cluster.take(a, read(1));
  const later = [...cluster.take(a, read(2)), ...cluster.take(a, read(3))];
  expect(messagesOf(later, "append")).toEqual([]);
  const next = cluster.take(a, hear(b, ackIn(cluster, 1)));
  expect(answered(cluster)).toEqual([{ tickets: [1], index: 1 }]);
  expect(messagesOf(next, "append", b).at(-1)?.round).toBe(2);
  cluster.take(a, hear(c, ackIn(cluster, 1)));
  expect(answered(cluster)).toHaveLength(1);
  cluster.take(a, hear(c, ackIn(cluster, 2)));
  expect(answered(cluster)).toEqual([
    { tickets: [1], index: 1 },
    { tickets: [2, 3], index: 1 },
  ]);
});

test("11.2 no read is answered on the strength of acks that came before it", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(500);
  cluster.cut(b, c);
  cluster.take(a, read(1));
  cluster.pass(50);
  expect(answered(cluster)).toEqual([]);
});

test("11.2 a sole member confirms itself", () => {
  const cluster = serving([a]);
  cluster.take(a, read(1));
  expect(answered(cluster)).toEqual([{ tickets: [1], index: 1 }]);
});
