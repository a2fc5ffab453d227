/** protocol.md, 8.4 to 8.7: the term of a cold start. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { emptyFrontier, extend } from "../../../../node/src/consensus/merkle.ts";
import type { Replica, Setup } from "../../../../node/src/consensus/replica.ts";
import { noSeats, seatsAfter } from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import { sha256Tree } from "../../../../node/src/storage/digest.ts";
import {
  ackOf,
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  prepareOf,
  promiseOf,
  registered,
  restarted,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c, _d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const [a2, b2, c2, _d2] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2), bootOf(3, 2)] as const;
const roster = rosterOfBoots([a, b, c]);
const startOf = (...boots: readonly Boot[]) =>
  ({ kind: "term-start", roster: rosterOfBoots(boots), cold: false }) as const;
const log = chain([
  [1, startOf(a, b, c)],
  [1, command(1)],
  [1, command(2)],
]);
const recovering = (entries: readonly Entry[] = []) =>
  ({ status: "recovering", last: lastOf(entries) }) as const;

const named = rosterOfBoots([a2, b2, c2]);
const cold: View = { ...viewOf(named, 5, a), coldTerm: term(5) };

test("8.4 a recovering boot that the cold start names may promise", () => {
  const { effects } = step(restarted(b2, { entries: log }, cold, [a2]), hear(a2, prepareOf(cold)));
  expect(messagesOf(effects, "promise", a2)).toEqual([promiseOf(cold, recovering(log))]);
});

test("8.4 any boot of a member that only an earlier roster lists may promise", () => {
  const without = { ...cold, roster: rosterOfBoots([a2, b2]) };
  const { effects } = step(restarted(c2, {}, without, [a2]), hear(a2, prepareOf(without)));
  expect(messagesOf(effects, "promise", a2)).toHaveLength(1);
});

test("8.4 another boot of a named member may not, not even one that is normal", () => {
  const b3 = bootOf(1, 3);
  const fresh = step(restarted(b3, {}, cold, [a2]), hear(a2, prepareOf(cold)));
  expect(messagesOf(fresh.effects, "refusal", a2)).toMatchObject([{ reason: "recovering" }]);
  const before = registered(b, viewOf(roster, 1, a), [a2]);
  expect(before.status).toBe("normal");
  const normal = takeAll(before, [see(cold), hear(a2, prepareOf(cold))]);
  expect(messagesOf(normal.effects, "promise")).toEqual([]);
});

test("8.4 in a later term that is not cold they may not", () => {
  const later = { ...viewOf(named, 6, a), coldTerm: term(5) };
  const { effects } = step(restarted(b2, {}, later, [a2]), hear(a2, prepareOf(later)));
  expect(messagesOf(effects, "refusal", a2)).toMatchObject([{ reason: "recovering" }]);
});

/** The named leader of a cold start, whose own log lacks the last entry. */
function gathering(changes: Partial<Setup> = {}, entries = log.slice(0, 2), view = cold): Replica {
  return synced(restarted(a2, { entries }, view, [b2, c2], changes)).replica;
}

const promiseWith = (entries: readonly Entry[], view = cold) =>
  promiseOf(view, recovering(entries));

test("8.5 a cold start needs promises from all members, and adopts the greatest log", () => {
  const two = step(gathering(), hear(b2, promiseWith(log.slice(0, 1)))).replica;
  expect(two.office?.stage).toBe("gathering");
  const three = takeAll(two, [
    hear(c2, promiseWith(log)),
    hear(c2, { kind: "fetched", term: term(5), after: lastOf([]), entries: log }),
  ]).replica;
  expect(three.office?.stage).toBe("starting");
  expect(three.log.shared.slice(0, 3)).toEqual(log);
  expect(three.log.shared[3]?.body).toEqual({ kind: "term-start", roster: named, cold: true });
});

test("8.5 a cold start of a majority needs a quorum's promises", () => {
  const own = gathering({ coldStart: "majority" });
  expect(own.office?.stage).toBe("gathering");
  const two = step(own, hear(b2, promiseWith(log.slice(0, 1)))).replica;
  expect(two.office?.stage).toBe("starting");
});

test("8.5 promises of boots that a cold start does not name do not count", () => {
  const own = gathering({ coldStart: "majority" });
  const other = step(own, hear(b, promiseOf(cold, { last: lastOf(log.slice(0, 1)) }))).replica;
  expect(other.office?.stage).toBe("gathering");
});

/** C's removal is in the log, and not known to be committed. */
const leaving = chain([
  [1, startOf(a, b, c)],
  [2, startOf(a, b)],
]);
const smaller: View = {
  ...viewOf(rosterOfBoots([a2, b2]), 5, a),
  coldTerm: term(5),
  genesisSize: 3,
};

test("8.5 a cold start needs all members of an earlier roster in play, by any boot", () => {
  const own = gathering({}, leaving, smaller);
  const both = step(own, hear(b2, promiseWith(leaving, smaller))).replica;
  expect(both.office?.stage).toBe("gathering");
  const all = step(both, hear(c2, promiseWith(leaving.slice(0, 1), smaller))).replica;
  expect(all.office?.stage).toBe("starting");
});

test("8.6 a cold term-start is committed once all members hold it", () => {
  const started = takeAll(gathering({}, log), [
    hear(b2, promiseWith(log)),
    hear(c2, promiseWith(log)),
  ]).replica;
  const leader = synced(started).replica;
  const ack = ackOf(5, leader.log.last, { status: "recovering" });
  const two = step(leader, hear(b2, ack)).replica;
  expect(two.commitIndex).toBe(0);
  const three = step(two, hear(c2, ack)).replica;
  expect(three).toMatchObject({ commitIndex: 4, status: "normal", office: { stage: "active" } });
});

test("8.6 a cold term-start of a majority is committed once a quorum holds it", () => {
  const started = step(gathering({ coldStart: "majority" }, log), hear(b2, promiseWith(log)));
  const leader = synced(started.replica).replica;
  expect(leader.commitIndex).toBe(0);
  const ack = ackOf(5, leader.log.last, { status: "recovering" });
  expect(step(leader, hear(b2, ack)).replica.commitIndex).toBe(4);
});

test("8.6 all members of an earlier roster in play must hold it as well", () => {
  const started = takeAll(gathering({}, leaving, smaller), [
    hear(b2, promiseWith(leaving, smaller)),
    hear(c2, promiseWith(leaving, smaller)),
  ]).replica;
  const leader = synced(started).replica;
  const ack = ackOf(5, leader.log.last, { status: "recovering" });
  const both = step(leader, hear(b2, ack)).replica;
  expect(both.commitIndex).toBe(0);
  expect(step(both, hear(c2, ack)).replica.commitIndex).toBe(3);
});

/** All three restarted on their disks, and the contract names them. */
function restartedCluster() {
  const cluster = serving([a, b, c]);
  const disks = [a, b, c].map((one) => cluster.crash(one));
  for (const [at, one] of [a2, b2, c2].entries()) cluster.start(one, disks[at]);
  return cluster;
}

test("8.7 the named boots are normal once the cold term-start is committed, not before", () => {
  const cluster = restartedCluster();
  const statuses = () => new Set([a2, b2, c2].map((one) => cluster.replica(one).status));
  cluster.show(cold, a2, b2);
  cluster.pass(500);
  expect(statuses()).toEqual(new Set(["recovering"]));
  cluster.show(cold);
  cluster.pass(500);
  expect(statuses()).toEqual(new Set(["normal"]));
});

test("8.7 a boot that holds the cold term-start is not normal before it is committed", () => {
  const cluster = restartedCluster();
  cluster.show(cold);
  const { last } = cluster.replica(a2).log;
  const promise = promiseOf(cold, { status: "recovering", last });
  cluster.take(a2, hear(b2, promise), hear(c2, promise));
  cluster.cut(c2);
  cluster.pass(300);
  expect(cluster.replica(b2)).toMatchObject({ status: "recovering", seats: { coldTerm: 5 } });
  cluster.mend(c2);
  cluster.pass(300);
  expect(cluster.replica(b2).status).toBe("normal");
});

test("8.7 nor is one that knows what named its former boot to be committed", () => {
  const [first] = log;
  if (first === undefined) throw new Error("expected an entry");
  const { outgoing: _, ...seats } = seatsAfter(noSeats, [first]);
  const tree = extend(emptyFrontier, [first.hash], sha256Tree);
  const snapshot = { at: lastOf([first]), seats, tree, state: new Uint8Array() };
  const start = chain([[5, { kind: "term-start", roster: named, cold: true }]], lastOf([first]));
  const word = (commitIndex: number) =>
    appendOf(cold, { previous: lastOf([first]), entries: start, commitIndex, active: false });
  const again = restarted(b2, { snapshot }, cold, [a2]);
  const statuses = [1, 2].map((at) => step(again, hear(a2, word(at))).replica.status);
  expect(statuses).toEqual(["recovering", "normal"]);
});

test("8.7 where a cold start failed on the way, whoever leads next begins again", () => {
  const cluster = restartedCluster();
  cluster.show(cold);
  const gatheredBy = () => cluster.replica(a2).office;
  for (const one of [b2, c2]) cluster.take(a2, hear(one, promiseOf(cold, recovering())));
  expect(gatheredBy()?.stage).toBe("starting");
  const disk = cluster.crash(a2);
  cluster.deliver();
  const a3 = bootOf(0, 3);
  cluster.start(a3, disk);
  cluster.pass(300);
  const next = { ...viewOf(named, 6, b), coldTerm: term(5) };
  cluster.show(next);
  cluster.pass(1_000);
  expect(ofKind(cluster.effects(b2), "cold-start")).toEqual([
    { kind: "cold-start", term: 6, bootKeys: [a3, b2, c2].map(({ bootKey }) => bootKey) },
  ]);
});
