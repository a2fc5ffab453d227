/** A log, members with real wallets, and what they sign: a replica that can hand out receipts. */
import { createCheckpointSigner, createVoucherRecoverer } from "../../node/src/chain/vouchers.ts";
import type { Certificate, Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import { type Body, type Entry, makeEntry } from "../../node/src/consensus/entry.ts";
import {
  bootKey,
  type Hash,
  hash,
  type MemberId,
  noHash,
  term,
} from "../../node/src/consensus/ids.ts";
import { append, logAfter, origin, positionAt } from "../../node/src/consensus/log.ts";
import { emptyFrontier, extend } from "../../node/src/consensus/merkle.ts";
import { boot, type Replica } from "../../node/src/consensus/replica.ts";
import { type Roster, rosterOf } from "../../node/src/consensus/roster.ts";
import type { View } from "../../node/src/consensus/view.ts";
import type { Wallet } from "../../node/src/runtime/attestation.ts";
import { sha256Chain, sha256Tree } from "../../node/src/storage/digest.ts";
import { walletOf } from "../../node/src/tee/wallet.ts";
import { setupOf, viewOf } from "../node/consensus/support.ts";
import { plainRoot, sha256 } from "./plainTree.ts";

export const cluster = { chainId: 31_337, contract: `0x${"5f".repeat(20)}` } as const;
export const recoverVoucher = createVoucherRecoverer(cluster);

/** Of the member in this slot. */
export function walletIn(slot: number): Wallet {
  return walletOf(Buffer.from(sha256(Buffer.from(`wallet ${slot}`)), "hex"));
}

export function rosterIn(slots: readonly number[]): Roster {
  const members = slots.map((slot) => ({
    slot,
    id: walletIn(slot).address,
    bootKey: bootKey(String(slot % 10).repeat(64)),
  }));
  return rosterOf(members, sha256Chain);
}

/** Entries 1 to `size`: commands, unless `bodies` says otherwise. */
export function logOf(size: number, bodies: Readonly<Record<number, Body>> = {}): readonly Entry[] {
  const entries: Entry[] = [];
  for (let index = 1; index <= size; index += 1) {
    const body = bodies[index] ?? { kind: "command", payload: Buffer.from(`command ${index}`) };
    const draft = { index, term: term(2), timeMs: 1_700_000_000_000 + index };
    entries.push(makeEntry(draft, body, entries.at(-1)?.hash ?? noHash, sha256Chain));
  }
  return entries;
}

export function checkpointOf(
  entries: readonly Entry[],
  index: number,
  coldTerm = term(0),
): Checkpoint {
  const logRoot = plainRoot(hashesOf(entries.slice(0, index)));
  return { coldTerm, index, logRoot, stateHash: hash("ab".repeat(32)) };
}

export async function certificateBy(
  slots: readonly number[],
  checkpoint: Checkpoint,
): Promise<Certificate> {
  const signatures = slots.map(async (slot) => ({
    member: walletIn(slot).address,
    signature: await createCheckpointSigner(cluster, walletIn(slot))(checkpoint),
  }));
  return { checkpoint, signatures: await Promise.all(signatures) };
}

export type Circumstances = {
  readonly entries: readonly Entry[];
  readonly certificate: Certificate | null;
  readonly roster: Roster;
  /** All entries, by default. */
  readonly commitIndex?: number;
  /** The last entry that was compacted away; none by default. */
  readonly before?: number;
  readonly view?: Partial<View>;
};

export function replicaIn(circumstances: Circumstances): Replica {
  const { entries, certificate, roster, before = 0, view = {} } = circumstances;
  const [leader] = roster.members;
  if (leader === undefined) throw new Error("a roster has a member");
  const self = { member: leader.id, bootKey: leader.bootKey };
  const setup = { ...setupOf(self), treeHash: sha256Tree };
  const fresh = boot(setup, { promised: null, snapshot: null, entries: [] }, 0);
  const base = before === 0 ? origin : positionAt(append(logAfter(origin), entries), before);
  if (base === null) throw new Error(`there is no entry ${before}`);
  return {
    ...fresh,
    log: append(logAfter(base), entries.slice(before)),
    trees: [extend(emptyFrontier, hashesOf(entries.slice(0, before)), sha256Tree)],
    commitIndex: circumstances.commitIndex ?? entries.length,
    view: { ...viewOf(roster, 2, self), ...view },
    vouched: { ...fresh.vouched, certificate },
  };
}

export const hashesOf = (entries: readonly Entry[]): Hash[] => entries.map((entry) => entry.hash);
export const addressIn = (slot: number): MemberId => walletIn(slot).address;
