/** What members vouch for: the log and the state as of one index (protocol.md, "Checkpoints"). */
import type { Hash, MemberId, Term } from "./ids.ts";

export type Checkpoint = {
  /** Term of the last cold start before it; 0 is "none". */
  readonly coldTerm: Term;
  /** Index of the last entry covered: the size of the Merkle tree. */
  readonly index: number;
  /** RFC 9162 tree head over the entry hashes. */
  readonly logRoot: Hash;
  readonly stateHash: Hash;
};

/** One member's word for a checkpoint. */
export type Voucher = {
  readonly checkpoint: Checkpoint;
  /** EIP-712, 65 bytes as 0x-hex. */
  readonly signature: string;
};

/** A quorum's word for it. */
export type Certificate = {
  readonly checkpoint: Checkpoint;
  readonly signatures: readonly { readonly member: MemberId; readonly signature: string }[];
};

/** A checkpoint that the contract keeps: the newest that anyone brought to it. */
export type Anchor = Omit<Checkpoint, "stateHash">;

/** Signatures that came in for one checkpoint. */
export type Vouching = {
  readonly checkpoint: Checkpoint;
  readonly signatures: ReadonlyMap<MemberId, string>;
};

export type Vouched = {
  /** The newest checkpoints that anyone signed, oldest first. */
  readonly open: readonly Vouching[];
  /** The newest checkpoint that a quorum of the roster signed. */
  readonly certificate: Certificate | null;
  /** Committed and found right, but not signed yet. */
  readonly unsigned: { readonly checkpoint: Checkpoint; readonly sinceMs: number } | null;
  /** The quarter second, by its leader's clock, of the last committed checkpoint. */
  readonly period: number;
  readonly own: Voucher | null;
  readonly toldMs: number;
  /** When the contract's anchor last changed, or this leader last asked for one. */
  readonly anchoredMs: number;
};

export function noVouchers(nowMs: number): Vouched {
  const none = { open: [], certificate: null, unsigned: null, period: 0, own: null };
  return { ...none, toldMs: nowMs, anchoredMs: nowMs };
}

export function isSameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return (
    a.coldTerm === b.coldTerm &&
    a.index === b.index &&
    a.logRoot === b.logRoot &&
    a.stateHash === b.stateHash
  );
}
