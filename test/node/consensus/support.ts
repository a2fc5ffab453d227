/** Names and entries for tests of the core. */
import { createHash } from "node:crypto";
import { type Body, type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import {
  type Boot,
  bootKey,
  type Digest,
  hash,
  memberId,
  noHash,
  term,
} from "../../../node/src/consensus/ids.ts";
import type { Input } from "../../../node/src/consensus/input.ts";
import { type Replica, type Setup, type Step, stay } from "../../../node/src/consensus/replica.ts";
import { type Roster, rosterOf } from "../../../node/src/consensus/roster.ts";
import { step } from "../../../node/src/consensus/step.ts";
import type { View } from "../../../node/src/consensus/view.ts";
import { sha256Tree } from "../../../node/src/storage/digest.ts";

export const sha256: Digest = (previous, bytes) =>
  hash(createHash("sha256").update(previous, "hex").update(bytes).digest("hex"));

/** The `ordinal`-th boot of the member in this slot. */
export function bootOf(slot: number, ordinal = 1): Boot {
  return {
    member: memberId(`0x${String(slot + 1).repeat(40)}`),
    bootKey: bootKey(`${slot + 1}${ordinal}`.repeat(32)),
  };
}

export function rosterOfBoots(boots: readonly Boot[]): Roster {
  const members = boots.map(({ member, bootKey }, slot) => ({ slot, id: member, bootKey }));
  return rosterOf(members, sha256);
}

/** Entries one after another from `after` on: each is given by its term and its body. */
export function chain(
  bodies: readonly (readonly [term: number, body: Body])[],
  after: { readonly index: number; readonly hash: string } = { index: 0, hash: noHash },
): Entry[] {
  let previous = hash(after.hash);
  return bodies.map(([inTerm, body], offset) => {
    const draft = { index: after.index + offset + 1, term: term(inTerm), timeMs: 1_000 };
    const entry = makeEntry(draft, body, previous, sha256);
    previous = entry.hash;
    return entry;
  });
}

export const command = (...payload: readonly number[]) =>
  ({ kind: "command", payload: Uint8Array.from(payload) }) as const;

export function setupOf(self: Boot): Setup {
  return {
    self,
    digest: sha256,
    treeHash: sha256Tree,
    heartbeatMs: 100,
    suspectAfterMs: 1_000,
    voteFallbackMs: 2_000,
    termWindow: 1_000,
    coldStart: "all",
    batchBytesMax: 100_000,
    chunkBytesMax: 100_000,
    batchesInFlightMax: 64,
    retainedEntries: 100,
    checkpointEvery: 1_000,
    checkpointMs: 5_000,
    anchorEveryMs: null,
    removeAfterMs: null,
  };
}

/** What the contract says of a cluster that nothing unusual has happened to. */
export function viewOf(roster: Roster, inTerm: number, leader: Boot): View {
  return {
    term: term(inTerm),
    leader: leader.member,
    roster,
    genesisSize: roster.members.length,
    coldTerm: term(0),
    revoked: [],
    departing: [],
    pending: [],
    settled: true,
    anchor: null,
  };
}

/** Takes one input after another; the effects are those of the last. */
export function takeAll(replica: Replica, inputs: readonly Input[]): Step {
  return inputs.reduce<Step>((taken, input) => step(taken.replica, input), stay(replica));
}
