/** protocol.md, 8.1 to 8.3: when a leader asks for a cold start, and of whom. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, noBoot, term } from "../../../../node/src/consensus/ids.ts";
import type { Setup } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  bootOf,
  chain,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  promiseOf,
  registered,
  reportOf,
  restarted,
  rosterOfBoots,
  see,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const [a2, b2, c2, d2] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2), bootOf(3, 2)] as const;
const roster = rosterOfBoots([a, b, c]);
const startOf = (...boots: readonly Boot[]) =>
  ({ kind: "term-start", roster: rosterOfBoots(boots), cold: false }) as const;
const recovering = (entries: readonly Entry[] = []) =>
  ({ status: "recovering", last: lastOf(entries) }) as const;

test("8.1 a member reports how far it is, every quarter of the time to suspicion", () => {
  const member = registered(b, viewOf(roster, 1, a), [a, c]);
  const first = step(member, tick(250));
  const said = reportOf(1, { promisedTerm: term(0) });
  expect(messagesOf(first.effects, "report", a)).toEqual([said]);
  expect(messagesOf(first.effects, "report", c)).toEqual([said]);
  expect(messagesOf(step(first.replica, tick(499)).effects, "report")).toEqual([]);
  expect(messagesOf(step(first.replica, tick(500)).effects, "report")).toHaveLength(2);
});

test("8.1 a report promises nothing", () => {
  const member = registered(b, viewOf(roster, 1, a), [a, c]);
  const told = step(member, hear(a, reportOf(5)));
  expect(told.replica.promised).toBeNull();
  expect(ofKind(told.effects, "persist")).toEqual([]);
  expect(told.replica.office).toBeNull();
});

type Reports = readonly (readonly [Boot, ReturnType<typeof reportOf>])[];

/** What a restarted leader of term 1 asks for once it has heard these reports, and waited. */
function petitionOf(
  reports: Reports,
  changes: Partial<Setup> = {},
  members: readonly Boot[] = [a, b, c],
  waitedMs = 500,
) {
  const promised = { term: term(1), leaderBootKey: a.bootKey, rosterHash: roster.hash };
  const entries = chain([[1, startOf(...members)]]);
  const view = viewOf(rosterOfBoots(members), 1, a);
  const leader = restarted(a2, { promised, entries }, view, [], changes);
  const heard = reports.map(([from, report]) => hear(from, report));
  const inputs = [tick(waitedMs - 1), ...heard, tick(waitedMs)];
  return ofKind(takeAll(leader, inputs).effects, "cold-start");
}

test("8.2 with too few members normal or silent, the leader that the contract names calls it", () => {
  const five = [a, b, c, d, bootOf(4)];
  const asked = (...reports: Reports) => petitionOf(reports, { coldStart: "majority" }, five);
  const forgot = reportOf(1, recovering());
  expect(asked([c2, forgot], [b2, forgot])).toMatchObject([{ kind: "cold-start", term: 1 }]);
  expect(asked([c2, forgot], [b, reportOf(1)])).toEqual([]);
  expect(asked([c2, forgot], [b, reportOf(1)], [d2, forgot])).toHaveLength(1);
  expect(petitionOf([[b, reportOf(1)]], { coldStart: "majority" })).toEqual([]);
});

test("8.2 only `majority` gives up on the silent, and not at once", () => {
  const asked = (coldStart: "all" | "majority", waitedMs: number) =>
    petitionOf([[b, reportOf(1)]], { coldStart }, [a, b, c], waitedMs);
  expect(asked("majority", 4_999)).toEqual([]);
  expect(asked("majority", 5_000)).toHaveLength(1);
  expect(asked("all", 5_000)).toEqual([]);
});

test("8.2 who has not seen the term yet may be normal in it", () => {
  const behind = reportOf(0, recovering());
  const forgot = reportOf(1, recovering());
  const majority = { coldStart: "majority" } as const;
  expect(petitionOf([[b2, behind]], majority)).toEqual([]);
  expect(petitionOf([[b2, forgot]], majority)).toHaveLength(1);
});

test("8.2 a member that is not named leader calls none", () => {
  const cluster = serving([a, b, c]);
  const disks = [a, b, c].map((one) => cluster.crash(one));
  for (const [at, one] of [a2, b2, c2].entries()) cluster.start(one, disks[at]);
  cluster.pass(1_000);
  expect(ofKind(cluster.effects(a2), "cold-start")).not.toEqual([]);
  for (const one of [b2, c2]) expect(ofKind(cluster.effects(one), "cold-start")).toEqual([]);
});

test("8.2 a boot that the log has replaced is not normal, whatever it says", () => {
  const cluster = serving([a, b]);
  cluster.take(a, hear(b2, { kind: "rejoin-request", term: term(1) }));
  expect(cluster.replica(a).seats.valid.get(b.member)).toBe(b2.bootKey);
  cluster.cut(b2);
  cluster.pass(1_500);
  expect(cluster.replica(b).status).toBe("normal");
  expect(ofKind(cluster.effects(a), "cold-start")).toEqual([
    { kind: "cold-start", term: 1, bootKeys: [a.bootKey, b.bootKey] },
  ]);
});

test("8.2 boots are judged by the log that the promises bring, not by what the leader's own disk adds", () => {
  const begun = chain([[1, startOf(a, b, c)]]);
  const rejoined = [...begun, ...chain([[1, { kind: "rejoin", ...c2 }]], lastOf(begun))];
  const named = rosterOfBoots([a, b2, c]);
  // A cold start that came to nothing: it named the boot of C that had been replaced.
  const cold = { kind: "term-start", roster: named, cold: true } as const;
  const entries = [...rejoined, ...chain([[2, cold]], lastOf(rejoined))];
  const view = viewOf(named, 3, b);
  const [ofA, ofC] = [{ last: lastOf(rejoined) }, { last: lastOf(begun) }];
  const { effects } = takeAll(restarted(bootOf(1, 3), { entries }, view, [a, c]), [
    hear(a, promiseOf(view, ofA)),
    hear(c, promiseOf(view, ofC)),
    hear(a, reportOf(3, { status: "normal", ...ofA })),
    hear(c, reportOf(3, { status: "normal", ...ofC })),
    tick(500),
  ]);
  expect(ofKind(effects, "cold-start")).toMatchObject([{ term: 3 }]);
});

test("8.2 an earlier roster in play counts too", () => {
  const [start] = chain([[1, startOf(a, c, d)]]);
  const view = { ...viewOf(rosterOfBoots([a, b]), 2, a), genesisSize: 3 };
  const before = viewOf(rosterOfBoots([a, c, d]), 1, c);
  const word = { kind: "append", term: term(1), rosterHash: before.roster.hash } as const;
  const told = { previous: lastOf([]), commitIndex: 1, round: 0, active: true };
  const entries = start === undefined ? [] : [start];
  const leader = takeAll(registered(a, before, [b, c, c2, d2]), [
    hear(c, { ...word, ...told, entries }),
    see(view),
    hear(b, reportOf(2)),
    hear(c2, reportOf(2, recovering())),
  ]).replica;
  expect(ofKind(step(leader, tick(100)).effects, "cold-start")).toEqual([]);
  const both = takeAll(leader, [hear(d2, reportOf(2, recovering())), tick(100)]);
  expect(ofKind(both.effects, "cold-start")).toEqual([
    { kind: "cold-start", term: 2, bootKeys: [a.bootKey, b.bootKey] },
  ]);
});

test("8.3 a cold start of all names every member's boot, in slot order, and waits for each", () => {
  const two = [[c2, reportOf(1, recovering())]] as const;
  expect(petitionOf(two)).toEqual([]);
  expect(petitionOf([...two, [b2, reportOf(1, recovering())]])).toEqual([
    { kind: "cold-start", term: 1, bootKeys: [a2, b2, c2].map(({ bootKey }) => bootKey) },
  ]);
});

test("8.3 a cold start of a majority names the boots that answered, and zero for the silent", () => {
  const two = [[c2, reportOf(1, recovering())]] as const;
  expect(petitionOf(two, { coldStart: "majority" })).toEqual([
    { kind: "cold-start", term: 1, bootKeys: [a2.bootKey, noBoot, c2.bootKey] },
  ]);
  expect(petitionOf([], { coldStart: "majority" })).toEqual([]);
});
