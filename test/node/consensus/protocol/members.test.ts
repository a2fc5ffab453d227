/** protocol.md, 9.3 to 9.8: which changes a leader asks for, and how they come about. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { entryAt } from "../../../../node/src/consensus/log.ts";
import type { Setup } from "../../../../node/src/consensus/replica.ts";
import { noSeats, seatsAfter } from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import {
  ackOf,
  bootOf,
  hear,
  messagesOf,
  ofKind,
  promiseOf,
  propose,
  registered,
  reportOf,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, d, e] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3), bootOf(4)] as const;
const three = rosterOfBoots([a, b, c]);
const view = viewOf(three, 1, a);
const waiting = (one: Boot): View => ({
  ...view,
  pending: [{ slot: 3, id: one.member, bootKey: one.bootKey }],
});

const five = rosterOfBoots([a, b, c, d, e]);
const fiveView = viewOf(five, 1, a);
const members = (...boots: readonly Boot[]) => boots.map(({ member }) => member);

/** Whom the leader of five asks to remove, after these time and changes. */
function removedUnder(
  change: Partial<View>,
  silent: readonly Boot[] = [],
  changes: Partial<Setup> = {},
) {
  const cluster = serving([a, b, c, d, e], changes);
  cluster.cut(...silent);
  cluster.pass(3_000);
  expect(ofKind(cluster.effects(a), "remove").length).toBeLessThanOrEqual(1);
  cluster.forget();
  cluster.show({ ...fiveView, ...change });
  cluster.pass(100);
  const asked = [...ofKind(cluster.effects(a), "remove")];
  return asked.map(({ member }) => member);
}

test("9.3 a revoked member goes first, then one that asked to, then one that is silent", () => {
  const all = { revoked: members(d), departing: members(c) };
  expect(removedUnder(all)).toEqual(members(d));
  expect(removedUnder({ departing: members(c) })).toEqual(members(c));
  const patient = { removeAfterMs: 3_100 };
  expect(removedUnder({ departing: members(c) }, [b], patient)).toEqual(members(c));
  expect(removedUnder({}, [b], patient)).toEqual(members(b));
});

test("9.3 a member that is silent stays by default", () => {
  expect(removedUnder({}, [b])).toEqual([]);
});

test("9.3 a member is not silent that was heard within REMOVE_AFTER_MS", () => {
  expect(removedUnder({}, [], { removeAfterMs: 1_000 })).toEqual([]);
  expect(removedUnder({}, [b], { removeAfterMs: 3_200 })).toEqual([]);
});

test("9.4 nobody goes without whom the rest would have no quorum in touch", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b);
  cluster.pass(1_100);
  cluster.show({ ...view, departing: members(c) });
  cluster.pass(500);
  expect(ofKind(cluster.effects(a), "remove")).toEqual([]);
  cluster.mend(b);
  cluster.pass(500);
  expect(ofKind(cluster.effects(a), "remove")).toMatchObject([{ member: c.member }]);
});

test("9.4 a member that is out of touch itself may go", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(c);
  cluster.pass(1_100);
  cluster.show({ ...view, revoked: members(c) });
  cluster.pass(200);
  expect(ofKind(cluster.effects(a), "remove")).toMatchObject([{ member: c.member }]);
});

test.each(["departing", "revoked"] as const)(
  "9.5 a leader that is %s hands over to a member that stays",
  (why) => {
    const cluster = serving([a, b, c]);
    cluster.pass(300);
    cluster.show({ ...view, departing: members(b), [why]: members(a, b) });
    cluster.pass(100);
    expect(ofKind(cluster.effects(a), "hand-over")).toEqual([
      { kind: "hand-over", term: 1, successor: c.member },
    ]);
    cluster.pass(5_000);
    expect(ofKind(cluster.effects(a), "remove").map(({ member }) => member)).not.toContain(
      a.member,
    );
  },
);

test("9.5 a leader that is to go first has a quorum hold its log", () => {
  const leaving = { ...view, departing: members(a) };
  const starting = takeAll(synced(registered(a, leaving, [b, c])).replica, [
    hear(b, promiseOf(leaving)),
    hear(b, reportOf(1)),
    tick(100),
  ]);
  expect(starting.replica.office?.stage).toBe("starting");
  expect(ofKind(starting.effects, "hand-over")).toEqual([]);
  const holding = synced(starting.replica).replica;
  const active = step(holding, hear(b, ackOf(1, holding.log.last))).replica;
  expect(ofKind(step(active, tick(200)).effects, "hand-over")).toHaveLength(1);
});

test("9.5 where nobody stays, a leader that asked to leave stays on", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(c);
  cluster.pass(300);
  cluster.show({ ...view, departing: members(a, b, c) });
  cluster.pass(500);
  expect(ofKind(cluster.effects(a), "hand-over")).toEqual([]);
});

test("9.6 changes are asked for one at a time", () => {
  const cluster = serving([a, b, c, d, e]);
  cluster.show({ ...fiveView, departing: members(d, e) });
  cluster.pass(2_000);
  expect(ofKind(cluster.effects(a), "remove").map(({ member }) => member)).toEqual(members(d));
});

test.each([
  { when: "the chain has not confirmed its term", change: { settled: false } },
  { when: "its view shows an earlier term", change: { term: term(0) } },
  {
    when: "its view shows another roster",
    change: { roster: rosterOfBoots([a, bootOf(1, 2), c]) },
  },
])("9.6 no change is asked for while $when", ({ change }) => {
  const cluster = serving([a, b, c]);
  cluster.show({ ...view, departing: members(c), ...change }, a);
  cluster.pass(500);
  expect(ofKind(cluster.effects(a), "remove")).toEqual([]);
  cluster.show({ ...view, departing: members(c) }, a);
  cluster.pass(200);
  expect(ofKind(cluster.effects(a), "remove")).toHaveLength(1);
});

test("9.6 no change is asked for before the leader's term is active", () => {
  const cluster = serving([a, b, c, d]);
  const second = { ...viewOf(three, 2, a), genesisSize: 4, departing: members(c) };
  cluster.crash(c);
  cluster.show(second);
  for (const one of [b, d]) {
    const { last } = cluster.replica(one).log;
    cluster.take(a, hear(one, promiseOf(second, { last, commitIndex: 1 })));
  }
  cluster.crash(d);
  cluster.pass(500);
  expect(cluster.replica(b).log.last).toMatchObject({ index: 2, term: 2 });
  expect(cluster.replica(a).office?.stage).toBe("starting");
  expect(ofKind(cluster.effects(a), "remove")).toEqual([]);
});

const four = viewOf(rosterOfBoots([a, b, c, d]), 2, a);

/** Three members under A, and D, which registered later; the contract shows it from `show` on. */
function withLearner(): Cluster {
  const cluster = serving([a, b, c]);
  cluster.start(d);
  cluster.take(d, { kind: "registered" });
  return cluster;
}

test("9.7 after a change the same leader goes on, in a new term", () => {
  const cluster = withLearner();
  cluster.show(waiting(d));
  cluster.pass(1_500);
  expect(ofKind(cluster.effects(a), "admit")).toHaveLength(1);
  cluster.show({ ...four, genesisSize: 3 });
  expect(ofKind(cluster.take(a, propose(1)), "declined")).toHaveLength(1);
  cluster.deliver();
  expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
  expect(cluster.replica(d).status).toBe("normal");
  cluster.cut(c);
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(cluster.replica(a).log.last.index);
});

test("9.7 the leader does not go on before the joint quorums have its new term-start", () => {
  const cluster = withLearner();
  cluster.pass(300);
  cluster.cut(b, c);
  cluster.show({ ...four, genesisSize: 3 });
  cluster.pass(300);
  expect(cluster.replica(a).office?.stage).toBe("gathering");
  cluster.mend(b);
  cluster.pass(300);
  expect(cluster.replica(a).office?.stage).toBe("active");
});

/** C is gone; D was just removed. */
function removing(): Cluster {
  const cluster = serving([a, b, c, d]);
  cluster.crash(c);
  cluster.show({ ...viewOf(three, 2, a), genesisSize: 4 });
  return cluster;
}

test("9.8 a removed member goes on promising and acknowledging until the change is committed", () => {
  const cluster = removing();
  cluster.deliver();
  cluster.pass(200);
  expect(messagesOf(cluster.effects(d), "promise", a)).toHaveLength(1);
  expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
});

test("9.8 without the removed member, a change that needs it is not committed", () => {
  const cluster = removing();
  for (const one of [b, d]) {
    const { last } = cluster.replica(one).log;
    cluster.take(a, hear(one, promiseOf(viewOf(three, 2, a), { last, commitIndex: 1 })));
  }
  cluster.crash(d);
  cluster.deliver();
  cluster.pass(500);
  expect(cluster.replica(b).log.last).toMatchObject({ index: 2, term: 2 });
  expect(cluster.replica(a).office?.stage).toBe("starting");
});

test("9.8 a removed member may be switched off once the new term-start is committed", () => {
  const cluster = removing();
  cluster.deliver();
  cluster.crash(d);
  // Behind the term-start, a mark: every log shows that the change is settled.
  for (const one of [a, b]) {
    const { log, seats } = cluster.replica(one);
    expect(entryAt(log, 3)?.body.kind).toBe("mark");
    expect(seats.rosters.map(({ roster }) => roster.hash)).toEqual([three.hash]);
  }
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(4);
  cluster.show({ ...viewOf(three, 3, b), genesisSize: 4 });
  cluster.deliver();
  expect(cluster.replica(b).office).toMatchObject({ term: 3, stage: "active" });
});

test("9.8 a mark behind the new term-start shows in every log that it was committed", () => {
  const cluster = removing();
  cluster.deliver();
  const { shared } = cluster.replica(b).log;
  expect(shared.map(({ body }) => body.kind)).toEqual(["term-start", "term-start", "mark"]);
  const inPlay = (held: number) => seatsAfter(noSeats, shared.slice(0, held)).rosters.length;
  expect([2, 3].map(inPlay)).toEqual([2, 1]);
});

test("9.8 a removed member does not take the change for its end", () => {
  const cluster = removing();
  cluster.take(d, see({ ...viewOf(three, 2, a), genesisSize: 4 }));
  cluster.deliver();
  expect(cluster.replica(d).status).toBe("normal");
  expect(ofKind(cluster.effects(d), "halt")).toEqual([]);
});
