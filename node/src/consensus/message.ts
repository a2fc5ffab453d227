/** What replicas say to one another. The sender's boot key is the channel's, never the message's. */
import type { Voucher } from "./checkpoint.ts";
import type { Entry } from "./entry.ts";
import type { Hash, MemberId, Term } from "./ids.ts";
import type { Position } from "./log.ts";
import type { Frontier } from "./merkle.ts";
import type { Seats } from "./seats.ts";

export type Status = "recovering" | "normal";

/** Gossip: how far its sender is. It promises nothing. */
export type Report = {
  readonly kind: "report";
  readonly status: Status;
  readonly term: Term;
  readonly promisedTerm: Term;
  readonly last: Position;
  readonly commitIndex: number;
};

/** The leader of `term` asks for promises. */
export type Prepare = { readonly kind: "prepare"; readonly term: Term; readonly rosterHash: Hash };

export type PromiseMade = {
  readonly kind: "promise";
  readonly term: Term;
  readonly rosterHash: Hash;
  readonly status: Status;
  readonly last: Position;
  readonly commitIndex: number;
};

/** An honest no: `promisedTerm` tells a stale leader what it is up against. */
export type Refusal = {
  readonly kind: "refusal";
  readonly term: Term;
  readonly reason: RefusalReason;
  readonly promisedTerm: Term;
};
export type RefusalReason =
  | "higher-term-promised"
  | "other-boot-promised"
  | "not-the-leader-by-my-view"
  | "recovering"
  | "term-outside-window";

/** The leader of `term`, taking office, asks for the log it adopts: entries after `after`. */
export type Fetch = { readonly kind: "fetch"; readonly term: Term; readonly after: Position };
export type Fetched = {
  readonly kind: "fetched";
  readonly term: Term;
  readonly after: Position;
  readonly entries: readonly Entry[];
};
/** The log asked for is not there as asked. */
export type FetchFailed = { readonly kind: "fetch-failed"; readonly term: Term };

export type Append = {
  readonly kind: "append";
  readonly term: Term;
  readonly rosterHash: Hash;
  readonly previous: Position;
  readonly entries: readonly Entry[];
  readonly commitIndex: number;
  /** Counts the leader's rounds of confirmation: an ack that carries it was sent after it began. */
  readonly round: number;
  /** The leader's term-start is committed. */
  readonly active: boolean;
};
export type Ack = {
  readonly kind: "ack";
  readonly term: Term;
  readonly status: Status;
  readonly matchIndex: number;
  readonly matchHash: Hash;
  readonly round: number;
};
/** The append does not fit: continue after `hint`. */
export type Reject = {
  readonly kind: "reject";
  readonly term: Term;
  readonly status: Status;
  readonly hint: number;
  readonly round: number;
};

/** One piece of a snapshot; `bytes` is the application state from `offset`. */
export type SnapshotChunk = {
  readonly kind: "snapshot-chunk";
  readonly term: Term;
  readonly rosterHash: Hash;
  readonly at: Position;
  readonly seats: Seats;
  readonly tree: Frontier;
  readonly offset: number;
  readonly totalBytes: number;
  readonly bytes: Uint8Array;
};
export type SnapshotAck = {
  readonly kind: "snapshot-ack";
  readonly term: Term;
  readonly atIndex: number;
  /** Bytes held so far: the next chunk starts here. */
  readonly offset: number;
};

/** A recovering boot asks the active leader to log its new key. */
export type RejoinRequest = { readonly kind: "rejoin-request"; readonly term: Term };

/** A signed vote to end `term` under `successor`; the signature was checked at the door. */
export type NoConfidence = {
  readonly kind: "no-confidence";
  readonly term: Term;
  readonly successor: MemberId;
  /** Seconds since the Unix epoch, by the chain's clock. */
  readonly deadline: number;
  /** EIP-712, 65 bytes as 0x-hex. */
  readonly signature: string;
};
/** The sender hears the leader of `term` again: its vote is withdrawn. */
export type Confidence = { readonly kind: "confidence"; readonly term: Term };

/** The sender signed this checkpoint, which it has applied. Checked by whoever relies on it. */
export type Vouch = Voucher & {
  readonly kind: "vouch";
  /** The sender lacks a quorum's signatures: whoever has one answers with its own. */
  readonly wanting: boolean;
};

export type Message =
  | Report
  | Prepare
  | PromiseMade
  | Refusal
  | Fetch
  | Fetched
  | FetchFailed
  | Append
  | Ack
  | Reject
  | SnapshotChunk
  | SnapshotAck
  | RejoinRequest
  | NoConfidence
  | Confidence
  | Vouch;
