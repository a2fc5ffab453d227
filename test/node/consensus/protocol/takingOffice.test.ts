/** protocol.md, 4.8, 4.11, 4.12, 4.16 and 4.17: whose promises a leader needs, and when it serves. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, noHash, term } from "../../../../node/src/consensus/ids.ts";
import { origin, type Position } from "../../../../node/src/consensus/log.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  ackOf,
  appendOf,
  bootOf,
  chain,
  connect,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  promiseOf,
  propose,
  registered,
  reportOf,
  restarted,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const [a2, b2] = [bootOf(0, 2), bootOf(1, 2)] as const;
const three = rosterOfBoots([a, b, c]);

const holds = (entries: readonly Entry[]): { last: Position } => ({ last: lastOf(entries) });
const bodiesOf = ({ log }: Replica) => log.shared.slice(0, log.last.index).map(({ body }) => body);
const startOf = (boots: readonly Boot[]) =>
  ({ kind: "term-start", roster: rosterOfBoots(boots), cold: false }) as const;

test("4.8 promises of a quorum are enough, the leader's own among them", () => {
  const view = viewOf(three, 1, a);
  const own = synced(registered(a, view, [b, c])).replica;
  expect(own.office?.stage).toBe("gathering");
  const two = step(own, hear(b, promiseOf(view))).replica;
  expect(two.office?.stage).toBe("starting");
  expect(bodiesOf(two)).toEqual([startOf([a, b, c])]);
});

test("4.8 the leader's own promise counts only once it is durable", () => {
  const view = viewOf(three, 1, a);
  const two = step(registered(a, view, [b, c]), hear(b, promiseOf(view))).replica;
  expect(two.office?.stage).toBe("gathering");
  expect(synced(two).replica.office?.stage).toBe("starting");
});

test("4.8 a recovering leader's own promise does not count", () => {
  const view = viewOf(three, 2, a);
  const log = chain([[1, startOf([a, b, c])]]);
  const own = synced(restarted(a2, { entries: log }, view, [b, c])).replica;
  const one = step(own, hear(b, promiseOf(view, holds(log)))).replica;
  expect(one.office?.stage).toBe("gathering");
  const two = step(one, hear(c, promiseOf(view, holds(log)))).replica;
  expect(two.office?.stage).toBe("starting");
});

test("4.8 a promise from a recovering replica does not count", () => {
  const view = viewOf(three, 1, a);
  const own = synced(registered(a, view, [b, c])).replica;
  const told = step(own, hear(b, promiseOf(view, { status: "recovering" }))).replica;
  expect(told.office?.stage).toBe("gathering");
});

test("4.8 a promise for another term or roster does not count", () => {
  const view = viewOf(three, 2, a);
  const own = synced(registered(a, view, [b, c])).replica;
  const told = takeAll(own, [
    hear(b, promiseOf({ ...view, term: term(1) })),
    hear(c, promiseOf({ ...view, roster: rosterOfBoots([a, b]) })),
  ]);
  expect(told.replica.office?.stage).toBe("gathering");
});

test.each([3, 4])("4.11 term 3 is not taken over a log whose last term is %i", (inTerm) => {
  const view = viewOf(three, 3, a);
  const over = { index: 1, term: term(inTerm), hash: noHash };
  const own = synced(registered(a, view, [b, c])).replica;
  const { replica, effects } = step(own, hear(b, promiseOf(view, { last: over })));
  expect(replica.office?.stage).toBe("barred");
  expect(ofKind(effects, "send")).toEqual([]);
  expect(replica.log.last).toEqual(origin);
});

const begun = chain([[1, startOf([a, b, c])]]);
const rejoined = [...begun, ...chain([[1, { kind: "rejoin", ...b2 }]], lastOf(begun))];
const view2 = viewOf(three, 2, a);

test("4.12 a promise of a boot that the greatest log has replaced does not count", () => {
  const word = appendOf(viewOf(three, 1, c), { entries: rejoined });
  const followed = takeAll(registered(a, viewOf(three, 1, c), [b, c]), [hear(c, word), see(view2)]);
  const own = synced(followed.replica).replica;
  const stale = step(own, hear(b, promiseOf(view2, holds(begun)))).replica;
  expect(stale.office?.stage).toBe("gathering");
  const valid = step(stale, hear(b2, promiseOf(view2, holds(rejoined)))).replica;
  expect(valid.office?.stage).toBe("starting");
});

test("4.16 until its term-start is committed a leader serves nobody", () => {
  const view = viewOf(three, 1, a);
  const own = synced(registered(a, view, [b, c])).replica;
  const starting = synced(step(own, hear(b, promiseOf(view))).replica).replica;
  const asked = takeAll(starting, [propose(1)]);
  expect(asked.effects).toMatchObject([{ kind: "declined" }]);
  expect(asked.replica.log.last.index).toBe(1);
  expect(step(starting, { kind: "read", tickets: [1] }).effects).toMatchObject([
    { kind: "declined" },
  ]);

  const active = step(starting, hear(b, ackOf(1, starting.log.last)));
  expect(active.replica.office?.stage).toBe("active");
  expect(messagesOf(active.effects, "append", c).at(-1)).toMatchObject({ active: true });
  expect(ofKind(step(active.replica, propose(1)).effects, "appended")).toHaveLength(1);
});

/** A boot of A that finds on its disk the promise that its former boot made to itself. */
function restartedLeader(others: readonly Boot[]): Replica {
  const promised = { term: term(2), leaderBootKey: a.bootKey, rosterHash: three.hash };
  return restarted(a2, { promised, entries: begun }, view2, others);
}

test("4.17 a restarted leader is barred, asks for no promises, and hands over", () => {
  const barred = restartedLeader([b, c]);
  expect(barred.office?.stage).toBe("barred");
  const waited = takeAll(barred, [
    hear(b, reportOf(2)),
    hear(c, reportOf(2, { last: lastOf(begun) })),
    tick(500),
  ]);
  expect(ofKind(waited.effects, "hand-over")).toEqual([
    { kind: "hand-over", term: 2, successor: c.member },
  ]);
  expect(messagesOf(waited.effects, "prepare")).toEqual([]);
  expect(messagesOf(takeAll(barred, connect(d)).effects, "prepare")).toEqual([]);
});

test("4.17 a restarted leader among others that restarted asks for a cold start", () => {
  const c2 = bootOf(2, 2);
  const waited = takeAll(restartedLeader([b2, c2]), [
    hear(b2, reportOf(2, { status: "recovering" })),
    hear(c2, reportOf(2, { status: "recovering" })),
    tick(300),
  ]);
  expect(ofKind(waited.effects, "cold-start")).toEqual([
    { kind: "cold-start", term: 2, bootKeys: [a2, b2, c2].map(({ bootKey }) => bootKey) },
  ]);
});
