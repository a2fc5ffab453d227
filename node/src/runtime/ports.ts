/** What the runtime needs from the world. Adapters provide it; `compose.ts` joins them. */
import type { Checkpoint } from "../consensus/checkpoint.ts";
import type { Promised, Write } from "../consensus/effect.ts";
import type { Entry } from "../consensus/entry.ts";
import type { Boot, BootKey, MemberId, Term } from "../consensus/ids.ts";
import type { Message } from "../consensus/message.ts";
import type { Snapshot } from "../consensus/snapshot.ts";
import type { View } from "../consensus/view.ts";
import type { CounterName, HistogramName, LabelsOf } from "./metrics.ts";

/** Structured logging; an adapter hides the library. Never given secrets, quotes or credentials. */
export type Log = {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  child(fields: object): Log;
};

/** Counts by name; the metrics endpoint renders them. Names and labels are fixed in metrics.ts. */
export type Count = <Name extends CounterName>(
  name: Name,
  labels?: LabelsOf<Name>,
  by?: number,
) => void;
/** Adds one measurement to a histogram, in the unit that ends its name. */
export type Observe = (name: HistogramName, value: number) => void;

// ── storage ──────────────────────────────────────────────────────────────────────────────────────

/** What the disk still knows after a restart: a cache that may be old, never a vote. */
export type Recovered = {
  readonly promised: Promised | null;
  readonly snapshot: Snapshot | null;
  /** Hash-chained after the snapshot (or after the origin); none when the log was lost. */
  readonly entries: readonly Entry[];
};

export type JournalHealth = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export type Journal = {
  readonly recovered: Recovered;
  /**
   * Resolves once `writes` are durable (one fdatasync for all of them). Calls are carried out in
   * order, but for a lone snapshot: it is written beside those that follow, because it only
   * replaces what is durable already. While the disk refuses, it keeps trying and `health` says
   * why; it never resolves early.
   */
  write(writes: readonly Write[]): Promise<void>;
  health(): JournalHealth;
  /** Waits for what is under way, then releases the directory. */
  close(): Promise<void>;
};

// ── chain ────────────────────────────────────────────────────────────────────────────────────────

/** A member as the contract lists it; `id` is its wallet. */
export type MemberRecord = {
  readonly slot: number;
  readonly tokenId: bigint;
  readonly id: MemberId;
  /** 20 bytes, lower-case hex without 0x. */
  readonly instanceId: string;
  readonly bootKey: BootKey;
  readonly endpoint: string;
  /** `host:port` of the peer channel. */
  readonly peerEndpoint: string;
  readonly revoked: boolean;
  readonly departing: boolean;
};

export type Block = {
  readonly number: bigint;
  /** 0x-hex. */
  readonly hash: string;
  readonly timestampMs: number;
};

/** The contract at one block. */
export type ChainView = {
  readonly view: View;
  readonly members: readonly MemberRecord[];
  readonly pending: readonly MemberRecord[];
  readonly block: Block;
};

export type Registration = {
  readonly instanceId: string;
  readonly bootKey: BootKey;
  /** keccak256 of the quote, 0x-hex. */
  readonly quoteHash: string;
  readonly endpoint: string;
  readonly peerEndpoint: string;
};

export type ChainFault =
  | { readonly code: "chain.unreachable"; readonly reason: string }
  /** Endpoints answered, but fewer than RPC_QUORUM of them agree. */
  | { readonly code: "chain.disputed"; readonly reason: string }
  /** What lies at the configured address is not the membership contract. */
  | { readonly code: "chain.wrongContract"; readonly contract: string; readonly reason: string }
  | { readonly code: "chain.reverted"; readonly call: string; readonly error: string }
  /** No endpoint would take the transaction: no funds, a used nonce, a fee too low. */
  | { readonly code: "chain.refused"; readonly call: string; readonly reason: string }
  /** Sent, but not seen in a block in time; it may still be mined. */
  | {
      readonly code: "chain.notMined";
      readonly call: string;
      readonly transactionHash: string;
      readonly waitedMs: number;
    };

/** This node's standing with the contract, as far as registration goes. */
export type Standing =
  | { readonly kind: "no-token"; readonly wallet: MemberId }
  | { readonly kind: "token"; readonly tokenId: bigint }
  /** As a member, or waiting to become one; before term 1, all who registered are waiting. */
  | {
      readonly kind: "registered";
      readonly tokenId: bigint;
      readonly bootKey: BootKey;
      readonly waiting: boolean;
    }
  /** The owner revoked it and it is no member any more: this wallet can never register again. */
  | { readonly kind: "revoked"; readonly tokenId: bigint };

/** Transactions resolve once mined; a lost race (another term by then) is a ChainFault. */
export type Chain = {
  readonly chainId: number;
  readonly contract: string;
  read(): Promise<ChainView>;
  standing(): Promise<Standing>;
  register(tokenId: bigint, registration: Registration): Promise<void>;
  /** This boot in place of the one registered, while that still waits to become a member. */
  reregister(bootKey: BootKey, quoteHash: string): Promise<void>;
  announceBoot(bootKey: BootKey, quoteHash: string): Promise<void>;
  submitNoConfidence(certificate: NoConfidenceCertificate): Promise<void>;
  castVote(vote: { term: Term; successorSlot: number; noConfidence: boolean }): Promise<void>;
  handOver(change: { term: Term; successorSlot: number }): Promise<void>;
  coldStart(start: { term: Term; bootKeys: readonly BootKey[] }): Promise<void>;
  admit(change: { term: Term; slot: number }): Promise<void>;
  remove(change: { term: Term; slot: number }): Promise<void>;
  anchor(certificate: CheckpointCertificate): Promise<void>;
  reportEquivocation(evidence: readonly [SignedCheckpoint, SignedCheckpoint]): Promise<void>;
};

export type SignedCheckpoint = { readonly checkpoint: Checkpoint; readonly signature: string };
export type CheckpointCertificate = {
  readonly checkpoint: Checkpoint;
  /** One signature a slot, in any order. */
  readonly signatures: readonly { readonly slot: number; readonly signature: string }[];
};
/** EIP-712 `Checkpoint`, over the contract's own domain; 65 bytes as 0x-hex. */
export type SignCheckpoint = (checkpoint: Checkpoint) => Promise<string>;
/** The wallet that signed, or null when the signature is not one. */
export type RecoverVoucher = (c: Checkpoint, signature: string) => Promise<MemberId | null>;

export type NoConfidenceCertificate = {
  readonly term: Term;
  readonly successorSlot: number;
  readonly deadline: number;
  /** One signature a slot, in any order. */
  readonly signatures: readonly { readonly slot: number; readonly signature: string }[];
};

/** EIP-712 `NoConfidence`, over the contract's own domain. */
export type VoteStatement = {
  readonly term: Term;
  readonly successorSlot: number;
  readonly deadline: number;
};
export type SignVote = (statement: VoteStatement) => Promise<string>;
/** The wallet that signed, or null when the signature is not one. */
export type RecoverVoter = (s: VoteStatement, signature: string) => Promise<MemberId | null>;

// ── peers ────────────────────────────────────────────────────────────────────────────────────────

export type PeerAddress = { readonly member: MemberId; readonly peerEndpoint: string };

/** What one member asks another outside the protocol: to pass a client's call to the leader. */
export type PeerRequest =
  | { readonly kind: "command"; readonly payload: Uint8Array }
  | { readonly kind: "read-index" };
export type PeerResponse =
  | {
      readonly kind: "committed";
      readonly index: number;
      readonly term: Term;
      /** The application's result, in its own encoding. */
      readonly result: Uint8Array;
    }
  | { readonly kind: "read-index"; readonly index: number; readonly term: Term }
  | { readonly kind: "failed"; readonly fault: CallFault };

export type PeerEvents = {
  readonly connected: (boot: Boot) => void;
  readonly disconnected: (boot: Boot) => void;
  readonly message: (from: Boot, message: Message) => void;
  readonly request: (from: Boot, request: PeerRequest) => Promise<PeerResponse>;
};

export type PeerFault =
  | { readonly code: "peer.unreachable"; readonly member: MemberId }
  | { readonly code: "peer.lost"; readonly member: MemberId }
  | { readonly code: "peer.timeout"; readonly waitedMs: number };

export type Peers = {
  /** Keeps a channel to each of these, and drops the others. Who is not listed is refused. */
  setRoster(addresses: readonly PeerAddress[]): void;
  /** Ends the channels of these boots, both ways; whether they may come again is the door's to say. */
  drop(bootKeys: readonly BootKey[]): void;
  /** Best effort, in order, never blocks: dropped when there is no channel or its buffer is full. */
  send(to: Boot, message: Message): void;
  /** @throws PeerError: `peer.unreachable` is definite (it was never sent), the others are not */
  request(to: Boot, request: PeerRequest, timeoutMs: number): Promise<PeerResponse>;
  close(): Promise<void>;
};

// ── client calls ─────────────────────────────────────────────────────────────────────────────────

export type CallFault =
  /** No leader known, or it is not active yet. Definite. */
  | { readonly code: "leader.unknown" }
  /** This node does not lead and was asked not to forward. Definite. */
  | { readonly code: "leader.elsewhere"; readonly leaderUrl: string }
  /** Queues are full. Definite. */
  | { readonly code: "overloaded"; readonly retryAfterMs: number }
  /** The application refused the command. Definite. */
  | { readonly code: "command.refused"; readonly reason: string }
  /** The same key came with another command. Definite. */
  | { readonly code: "idempotency.mismatch"; readonly key: string }
  /** Not committed in time; it may still be. Indefinite. */
  | { readonly code: "commit.timeout"; readonly waitedMs: number }
  /** Leadership moved while the command was under way. Indefinite. */
  | { readonly code: "leader.lost" }
  /** A linearizable read could not be confirmed in time. Definite: reads change nothing. */
  | { readonly code: "read.timeout"; readonly waitedMs: number }
  /** The node is stopping or not a member yet. Definite. */
  | { readonly code: "node.unavailable"; readonly reason: string };
