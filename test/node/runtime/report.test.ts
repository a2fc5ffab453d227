import { expect, test } from "vitest";
import { type MemberId, term } from "../../../node/src/consensus/ids.ts";
import type { Office, Peer, Replica } from "../../../node/src/consensus/replica.ts";
import type { Member as Seat } from "../../../node/src/consensus/roster.ts";
import { rosterOf } from "../../../node/src/consensus/roster.ts";
import type { Member } from "../../../node/src/runtime/member.ts";
import type { ChainView, MemberRecord } from "../../../node/src/runtime/ports.ts";
import { healthOf, statusOf } from "../../../node/src/runtime/report.ts";
import { createSight } from "../../../node/src/runtime/sight.ts";
import type { Station } from "../../../node/src/runtime/station.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import {
  addressIn,
  certificateBy,
  checkpointOf,
  logOf,
  replicaIn,
  rosterIn,
} from "../../support/vouched.ts";

const nowMs = 10_000;
const roster = rosterIn([0, 1, 2]);
const [selfSeat, otherSeat] = roster.members as readonly [Seat, Seat];
const entries = logOf(10);
const alone = replicaIn({ entries, certificate: null, roster });

function recordOf({ slot, id, bootKey }: Seat, revoked = false): MemberRecord {
  const peerEndpoint = `127.0.0.1:${9_000 + slot}`;
  const endpoint = `http://127.0.0.1:${8_000 + slot}`;
  const tokenId = BigInt(slot + 1);
  const named = { slot, id, bootKey, tokenId, instanceId: "ab", endpoint, peerEndpoint };
  return { ...named, revoked, departing: false };
}

function viewWith(
  members: readonly MemberRecord[],
  { inTerm = 2, pending = [] }: { inTerm?: number; pending?: readonly MemberRecord[] } = {},
): ChainView {
  const view = { ...(alone.view ?? expect.unreachable()), term: term(inTerm) };
  const block = { number: 5n, hash: "0x", timestampMs: 0 };
  return { view: { ...view, roster: rosterOf(members, sha256Chain) }, members, pending, block };
}

const all = roster.members.map((seat) => recordOf(seat));
const others = all.slice(1);

/** The node in slot 0, after it has read these views of the contract. */
function stationWith(replica: Replica, views: readonly ChainView[]): Station {
  const sight = createSight(addressIn(0));
  for (const view of views) sight.note(view, nowMs);
  const member: Partial<Member> = {
    runner: { replica: () => replica } as Member["runner"],
    replicated: { appliedIndex: () => replica.commitIndex } as Member["replicated"],
    chainView: sight.chainView,
    removal: sight.removal,
    disk: () => ({ ok: true }),
  };
  return {
    bootKey: selfSeat.bootKey,
    endpoint: "http://127.0.0.1:8081",
    version: "0.1.0",
    startedMs: 0,
    identity: { wallet: addressIn(0), instanceId: "ab" },
    chain: { id: 31_337, contract: "0x", disagreeing: () => ["rpc 2 (127.0.0.1:8545)"] },
    member: member as Member,
    verdicts: null,
    waitingFor: null,
    attestation: null,
    stopping: false,
  };
}

function heard(member: MemberId, commitIndex: number): Peer {
  const at = alone.log.last;
  const boot = { member, bootKey: otherSeat.bootKey };
  const gossip = {
    kind: "report",
    status: "normal",
    term: term(2),
    promisedTerm: term(2),
  } as const;
  const report = { ...gossip, last: { ...at, index: commitIndex }, commitIndex };
  return { boot, connected: true, heardAwakeMs: nowMs, report };
}

function hearing(replica: Replica, commitIndex: number): Replica {
  const peers = new Map([[otherSeat.bootKey, heard(otherSeat.id, commitIndex)]]);
  const leader = { member: otherSeat.id, bootKey: otherSeat.bootKey };
  const said = { active: true, goesOn: false };
  const following = {
    term: term(2),
    leader,
    ...said,
    heardMs: nowMs,
    heardAwakeMs: nowMs,
    rejoinAskedMs: 0,
  };
  return { ...replica, status: "normal", peers, following };
}

const reasonOf = (station: Station): string => {
  const health = healthOf(station, nowMs);
  return health.ok ? "healthy" : health.reason;
};

test("the status names the endpoints that disagree about the chain, and none before it is known", () => {
  const station = stationWith(alone, [viewWith(all)]);
  expect(statusOf(station, nowMs).chain.disagreeing).toEqual(["rpc 2 (127.0.0.1:8545)"]);
  expect(statusOf({ ...station, chain: null }, nowMs).chain.disagreeing).toEqual([]);
});

test("the lag is what others have committed and this node does not hold", () => {
  const lag = (replica: Replica) =>
    statusOf(stationWith(replica, [viewWith(all)]), nowMs).lagEntries;
  expect(lag(alone)).toBeNull();
  expect(lag(hearing(alone, 1_234))).toBe(1_224);
  expect(lag(hearing(alone, 9))).toBe(0);
});

test("the status names the newest checkpoint and anchor, and null while there is none", async () => {
  const plain = statusOf(stationWith(alone, [viewWith(all)]), nowMs);
  expect(plain).toMatchObject({ checkpoint: null, anchor: null });
  const certificate = await certificateBy([0, 1], checkpointOf(entries, 8, term(1)));
  const certified = replicaIn({ entries, certificate, roster });
  const seen = viewWith(all);
  const { logRoot } = certificate.checkpoint;
  const anchor = { coldTerm: term(1), index: 5, logRoot };
  const anchored = { ...seen, view: { ...seen.view, anchor } };
  expect(statusOf(stationWith(certified, [anchored]), nowMs)).toMatchObject({
    checkpoint: { index: 8, coldTerm: 1 },
    anchor: { index: 5 },
  });
});

test("a member in touch with its leader is healthy and waits for nothing", () => {
  const station = stationWith(hearing(alone, 10), [viewWith(all)]);
  expect(healthOf(station, nowMs)).toEqual({ ok: true });
  expect(statusOf(station, nowMs)).not.toHaveProperty("waitingFor");
  expect(statusOf(station, nowMs).role).toBe("follower");
});

test("a pending node says how far it is behind, and is not healthy", () => {
  const pending = viewWith(others, { pending: [recordOf(selfSeat)] });
  const station = stationWith(hearing(alone, 14), [pending]);
  const status = statusOf(station, nowMs);
  expect(status).toMatchObject({ role: "pending", lagEntries: 4 });
  expect(status.waitingFor).toBe("the leader: it admits this member once it has caught up");
  expect(reasonOf(station)).toMatch(/^pending: it waits for the leader.*; it is 4 entries behind$/);
  expect(reasonOf(stationWith(alone, [pending]))).toMatch(/not in touch with any member$/);
});

test("a removed member says in which term, and is not healthy while its leader is heard", () => {
  const station = stationWith(hearing(alone, 10), [viewWith(all), viewWith(others, { inTerm: 7 })]);
  const what = "nothing: this member was removed in term 7; start it again to register anew";
  expect(statusOf(station, nowMs)).toMatchObject({ role: "unregistered", waitingFor: what });
  expect(reasonOf(station)).toBe(`unregistered: it waits for ${what}`);
  const later = [viewWith(all), viewWith(others, { inTerm: 7 }), viewWith(others, { inTerm: 8 })];
  expect(statusOf(stationWith(alone, later), nowMs).waitingFor).toBe(what);
});

test("who was revoked is told that its wallet cannot register again", () => {
  const revoked = viewWith([recordOf(selfSeat, true), ...others]);
  const station = stationWith(alone, [revoked, viewWith(others)]);
  expect(statusOf(station, nowMs).waitingFor).toBe(
    "nothing: this member was revoked, gone by term 2; its wallet cannot register again",
  );
});

test("a registration that was withdrawn before it was admitted says so", () => {
  const views = [viewWith(others, { pending: [recordOf(selfSeat)] }), viewWith(others)];
  const { waitingFor } = statusOf(stationWith(alone, views), nowMs);
  expect(waitingFor).toMatch(
    /this registration was withdrawn before it was admitted, in term 2; start/,
  );
});

test("a removed member that the contract lists again is no longer said to be removed", () => {
  const views = [viewWith(all), viewWith(others), viewWith(all)];
  expect(statusOf(stationWith(alone, views), nowMs)).not.toHaveProperty("waitingFor");
});

test("a wallet that was never listed is unregistered, and waits for what enrolling says", () => {
  const station = stationWith(hearing(alone, 10), [viewWith(others)]);
  expect(reasonOf(station)).toBe("unregistered: it waits for the contract to list it");
  const enrolling = { ...station, waitingFor: "a membership token" };
  expect(reasonOf(enrolling)).toBe("unregistered: it waits for a membership token");
});

test("a refused cold start names both indexes and what is missing between them", () => {
  const rollback = { anchorIndex: 120, lastIndex: 10 };
  const office = { stage: "gathering", rollback } as unknown as Office;
  const station = stationWith({ ...hearing(alone, 10), office }, [viewWith(all)]);
  const { waitingFor } = statusOf(station, nowMs);
  expect(waitingFor).toBe(
    "an operator: all logs that answered end 110 entries before the anchor at index 120 on the " +
      "chain, the longest at index 10: a rollback; bring back a disk that holds it",
  );
  expect(reasonOf(station)).toBe(waitingFor);
  const forked = { ...office, rollback: { anchorIndex: 8, lastIndex: 10 } };
  expect(reasonOf(stationWith({ ...alone, office: forked }, [viewWith(all)]))).toMatch(
    /up to index 10, has another root at index 8 than the anchor/,
  );
});
