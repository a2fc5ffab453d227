/** protocol.md, 10.10 and 10.11: leaders that give way by themselves. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import type { Refusal } from "../../../../node/src/consensus/message.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import {
  appendOf,
  bootOf,
  chain,
  hear,
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
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);
const handOvers = (cluster: Cluster, by: Boot) => ofKind(cluster.effects(by), "hand-over");

const refusal = (changes: Partial<Refusal>): Refusal => ({
  kind: "refusal",
  term: term(1),
  reason: "higher-term-promised",
  promisedTerm: term(7),
  ...changes,
});

test.each([
  { why: "a higher term was promised", said: refusal({}) },
  {
    why: "this term was promised to another boot",
    said: refusal({ reason: "other-boot-promised", promisedTerm: term(1) }),
  },
])("10.10 a leader that no quorum can follow, because $why, hands over", ({ said }) => {
  const cluster = serving([a, b, c]);
  cluster.take(a, hear(b, said), hear(c, said));
  cluster.pass(300);
  expect(handOvers(cluster, a)).toMatchObject([{ term: 1 }]);
  expect(ofKind(cluster.take(a, propose(1)), "appended")).toHaveLength(1);
});

test("10.10 a leader whose log needs the word of a member of an earlier roster is refused by it, too", () => {
  const change = { kind: "term-start", roster: rosterOfBoots([a, c]), cold: false } as const;
  const shown = { ...viewOf(rosterOfBoots([bootOf(0, 2)]), 3, a), coldTerm: term(3) };
  const entries = chain([[1, change]]);
  const leader = synced(restarted(bootOf(0, 2), { entries }, shown, [c])).replica;
  expect(leader.office?.stage).toBe("gathering");
  const refused = step(leader, hear(c, refusal({ term: term(3), promisedTerm: term(7) }))).replica;
  expect(refused.office?.stage).toBe("barred");
});

test("10.10 where the others refuse it or are recovering, a leader gives way to anyone", () => {
  const second = viewOf(roster, 2, a);
  const asked = takeAll(registered(a, second, [b, c]), [
    hear(b, reportOf(2, { status: "recovering" })),
    hear(c, refusal({ term: term(2) })),
  ]).replica;
  expect(asked.office?.stage).toBe("barred");
  const { effects } = takeAll({ ...asked }, [see({ ...second, revoked: [c.member] }), tick(500)]);
  expect(ofKind(effects, "hand-over")).toMatchObject([{ term: 2, successor: b.member }]);
});

test("10.10 in a cold start one member that refuses for good is enough", () => {
  const [a2, b2, c2] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2)] as const;
  const cluster = serving([a, b, c]);
  const disks = [a, b, c].map((one) => cluster.crash(one));
  for (const [at, one] of [a2, b2, c2].entries()) cluster.start(one, disks[at]);
  cluster.cut(b2, c2);
  cluster.show({ ...viewOf(rosterOfBoots([a2, b2, c2]), 2, a), coldTerm: term(2) });
  cluster.take(a2, hear(b2, refusal({ term: term(2) })));
  expect(cluster.replica(a2).office?.stage).toBe("barred");
});

/**
 * One follower is bound to a term that the chain took back, and its log holds an entry of it; A leads,
 * and the other one follows.
 */
function refusedBy(one: Boot): Cluster {
  const cluster = serving([a, b, c]);
  const takenBack = viewOf(roster, 7, d);
  const { last } = cluster.replica(one).log;
  const entries = chain([[7, { kind: "term-start", roster, cold: false }]], last);
  cluster.take(one, see(takenBack), hear(d, appendOf(takenBack, { previous: last, entries })));
  cluster.pass(300);
  cluster.take(one, see(view));
  return cluster;
}

test("10.11 a leader that one member refuses for good leads on, and hands over after ten times that long", () => {
  const cluster = refusedBy(c);
  cluster.pass(9_600);
  expect(handOvers(cluster, a)).toEqual([]);
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(cluster.replica(a).log.last.index);
  cluster.pass(500);
  expect(handOvers(cluster, a)).toHaveLength(1);
});

test("10.11 it hands over to a member that follows it, whatever the slots", () => {
  const cluster = refusedBy(b);
  cluster.pass(10_100);
  expect(handOvers(cluster, a)).toMatchObject([{ successor: c.member }]);
});

test("10.11 where nobody who follows it is normal, it hands over to one that refuses it", () => {
  const cluster = serving([a, b, c]);
  cluster.pass(300);
  cluster.crash(c);
  cluster.start(bootOf(2, 2));
  cluster.cut(b);
  cluster.take(a, hear(b, refusal({})));
  cluster.pass(1_500);
  // It lives, though its acks do not come.
  cluster.take(a, hear(b, reportOf(1)));
  cluster.pass(700);
  const successors = handOvers(cluster, a).map(({ successor }) => successor);
  expect(new Set(successors)).toEqual(new Set([b.member]));
});

test("10.11 a leader takes office though one member refuses it for good", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(c);
  cluster.show(viewOf(roster, 2, b));
  cluster.take(b, hear(c, refusal({ term: term(2) })));
  cluster.deliver();
  expect(cluster.replica(b).office).toMatchObject({ term: 2, stage: "active" });
});

test.each([
  { why: "by who is recovering", said: refusal({ reason: "recovering", promisedTerm: term(1) }) },
  {
    why: "by a view that is behind",
    said: refusal({ reason: "not-the-leader-by-my-view", promisedTerm: term(0) }),
  },
  { why: "for another term", said: refusal({ term: term(3) }) },
])("10.10 a leader that is refused $why stays", ({ said }) => {
  const cluster = serving([a, b, c]);
  cluster.take(a, hear(b, said));
  cluster.pass(2_000);
  expect(handOvers(cluster, a)).toEqual([]);
});

test("10.10 a leader out of touch with a quorum for SUSPECT_AFTER_MS hands over", () => {
  const cluster = serving([a, b, c, d]);
  cluster.pass(500);
  cluster.cut(c);
  cluster.pass(2_000);
  expect(handOvers(cluster, a)).toEqual([]);
  cluster.cut(b);
  cluster.pass(1_000);
  expect(handOvers(cluster, a)).toEqual([]);
  cluster.pass(1_000);
  expect(handOvers(cluster, a)).toEqual([{ kind: "hand-over", term: 1, successor: b.member }]);
});

test("10.10 so does one that lacks a quorum of an earlier roster that its term-start needs", () => {
  const cluster = serving([a, b, c, d]);
  const shrunk = { ...viewOf(roster, 2, a), genesisSize: 4 };
  cluster.crash(c);
  cluster.show(shrunk);
  for (const one of [b, d]) {
    const { last } = cluster.replica(one).log;
    cluster.take(a, hear(one, promiseOf(shrunk, { last, commitIndex: 1 })));
  }
  cluster.crash(d);
  cluster.pass(900);
  expect(cluster.replica(a).office?.stage).toBe("starting");
  expect(handOvers(cluster, a)).toEqual([]);
  cluster.pass(1_500);
  expect(handOvers(cluster, a)).toMatchObject([{ term: 2, successor: b.member }]);
});

test("10.10 in a cold start a leader gives way without any one member that it needs", () => {
  const [a2, b2, c2, c3] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2), bootOf(2, 3)] as const;
  const cluster = serving([a, b, c]);
  const disks = [a, b, c].map((one) => cluster.crash(one));
  for (const [at, one] of [a2, b2, c2].entries()) cluster.start(one, disks[at]);
  cluster.cut(c2);
  const cold = { ...viewOf(rosterOfBoots([a2, b2, c2]), 2, a), coldTerm: term(2) };
  cluster.show(cold);
  const { last } = cluster.replica(c2).log;
  cluster.take(a2, hear(c2, promiseOf(cold, { status: "recovering", last })));
  cluster.pass(500);
  expect(cluster.replica(a2).office?.stage).toBe("starting");
  cluster.start(c3, cluster.crash(c2));
  cluster.forget();
  cluster.pass(2_500);
  expect(ofKind(cluster.effects(a2), "cold-start")[0]).toEqual({
    kind: "cold-start",
    term: 2,
    bootKeys: [a2, b2, c3].map(({ bootKey }) => bootKey),
  });
});

/** A leads term 2, which the contract then took back from it: its own endpoint shows `view`. */
function disowned(shown: View): Cluster {
  const cluster = serving([a, b, c]);
  cluster.show(viewOf(roster, 2, a));
  cluster.deliver();
  expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
  cluster.show(shown, a);
  cluster.forget();
  return cluster;
}

test.each([
  { says: "an earlier term", shown: view },
  { says: "another roster", shown: viewOf(rosterOfBoots([a, b, d]), 2, a) },
])(
  "10.11 a leader that the contract shows $says hands over after ten times that long",
  ({ shown }) => {
    const cluster = disowned(shown);
    cluster.pass(9_900);
    expect(handOvers(cluster, a)).toEqual([]);
    cluster.take(a, propose(1));
    cluster.deliver();
    expect(cluster.replica(a).commitIndex).toBe(cluster.replica(a).log.last.index);
    expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
    cluster.pass(100);
    expect(handOvers(cluster, a)).toMatchObject([{ term: shown.term, successor: b.member }]);
    expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
  },
);

test("10.11 where the members that are left all ask to leave, it hands over to one of them", () => {
  const cluster = serving([a, b, c]);
  cluster.show({ ...viewOf(rosterOfBoots([a, b]), 1, a), departing: [a.member, b.member] });
  cluster.pass(10_300);
  expect(handOvers(cluster, a)).toMatchObject([{ successor: b.member }]);
});

test("10.11 a leader whose term the contract shows again stays", () => {
  const cluster = disowned(view);
  cluster.pass(9_000);
  cluster.show(viewOf(roster, 2, a), a);
  cluster.pass(100);
  cluster.show(view, a);
  cluster.pass(9_000);
  expect(handOvers(cluster, a)).toEqual([]);
});

test("10.11 of an earlier term under another, only that one can ask for the end", () => {
  const cluster = disowned(viewOf(roster, 1, b));
  cluster.pass(12_000);
  expect(handOvers(cluster, a)).toEqual([]);
  expect(cluster.replica(a).office).toMatchObject({ term: 2, stage: "active" });
});
