/** protocol.md, 9.1 and 9.2: how a pending node becomes a member. */
import { expect, test } from "vitest";
import type { Boot } from "../../../../node/src/consensus/ids.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import {
  ackOf,
  bootOf,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  prepareOf,
  promiseOf,
  propose,
  registered,
  reportOf,
  rosterOfBoots,
  synced,
  takeAll,
  tick,
  viewOf,
  voteOf,
} from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, d, _e] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3), bootOf(4)] as const;
const d2 = bootOf(3, 2);
const three = rosterOfBoots([a, b, c]);
const view = viewOf(three, 1, a);
const waiting = (one: Boot): View => ({
  ...view,
  pending: [{ slot: 3, id: one.member, bootKey: one.bootKey }],
});

/** Three members under A, and D, which registered later; the contract shows it from `show` on. */
function withLearner(): Cluster {
  const cluster = serving([a, b, c]);
  cluster.start(d);
  cluster.take(d, { kind: "registered" });
  return cluster;
}

test("9.1 the leader streams the log to a pending node", () => {
  const cluster = withLearner();
  cluster.show(waiting(d));
  cluster.take(a, propose(1));
  cluster.pass(100);
  expect(cluster.replica(d)).toMatchObject({ status: "recovering", commitIndex: 2 });
});

test("9.1 a pending node's acks do not count", () => {
  const cluster = withLearner();
  cluster.show(waiting(d));
  cluster.cut(b, c);
  cluster.take(a, propose(1));
  cluster.pass(100);
  expect(cluster.replica(d).log.last).toEqual(cluster.replica(a).log.last);
  cluster.take(a, hear(d, ackOf(1, cluster.replica(a).log.last)));
  expect(cluster.replica(a).commitIndex).toBe(1);
});

test("9.1 a pending node makes no promise, and none of it would count", () => {
  const learner = registered(d, waiting(d), [a]);
  const asked = step(learner, hear(a, prepareOf(view)));
  expect(messagesOf(asked.effects, "refusal", a)).toMatchObject([{ reason: "recovering" }]);
  const own = synced(registered(a, waiting(d), [b, c, d])).replica;
  const told = step(own, hear(d, promiseOf(view))).replica;
  expect(told.office?.stage).toBe("gathering");
  expect(step(told, hear(b, promiseOf(view))).replica.office?.stage).toBe("starting");
});

test("9.1 a pending node does not vote, and no vote of it counts", () => {
  const learner = registered(d, waiting(d), [a, b, c]);
  const told = takeAll(learner, [tick(9_900), hear(b, reportOf(1)), tick(10_000)]);
  expect(ofKind(told.effects, "sign-vote")).toEqual([]);
  const deadline = 1_700_000_060;
  const member = registered(b, waiting(d), [a, c, d]);
  const doubting = step(member, tick(2_001)).replica;
  const voted = step(doubting, hear(d, voteOf(1, c, deadline))).replica;
  expect(voted.doubt.votes.size).toBe(0);
});

test("9.2 the leader asks to admit a node that holds what was committed one suspicion time ago", () => {
  const cluster = withLearner();
  cluster.cut(d);
  cluster.take(a, propose(1));
  cluster.pass(1_100);
  cluster.show(waiting(d));
  const [first, second] = cluster.replica(a).log.shared.map((entry) => lastOf([entry]));
  if (first === undefined || second === undefined) throw new Error("expected two entries");
  const learnt = { status: "recovering" } as const;
  cluster.take(a, hear(d, ackOf(1, first, learnt)));
  cluster.pass(100);
  expect(ofKind(cluster.effects(a), "admit")).toEqual([]);

  cluster.take(a, propose(2), hear(d, ackOf(1, second, learnt)));
  cluster.pass(100);
  expect(cluster.replica(a).commitIndex).toBe(3);
  expect(ofKind(cluster.effects(a), "admit")).toEqual([
    { kind: "admit", term: 1, member: d.member },
  ]);
});

test("9.2 a pending node that restarted is admitted by the boot that it registers anew", () => {
  const cluster = withLearner();
  cluster.start(d2, cluster.crash(d));
  cluster.show(waiting(d));
  cluster.pass(1_500);
  expect(cluster.replica(d2).commitIndex).toBe(1);
  expect(ofKind(cluster.effects(a), "admit")).toEqual([]);
  cluster.show(waiting(d2));
  cluster.pass(200);
  expect(ofKind(cluster.effects(a), "admit")).toHaveLength(1);
});

test("9.2 a pending node that is silent is not admitted", () => {
  const cluster = withLearner();
  cluster.pass(200);
  cluster.cut(d);
  cluster.pass(1_000);
  cluster.show(waiting(d));
  cluster.pass(200);
  expect(cluster.replica(d).log.last).toEqual(cluster.replica(a).log.last);
  expect(ofKind(cluster.effects(a), "admit")).toEqual([]);
});
