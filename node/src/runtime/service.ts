/** What a node offers its clients. The HTTP adapter renders it; tests call it directly. */
import type { BootKey, MemberId } from "../consensus/ids.ts";
import type { BootProof } from "./attestation.ts";
import type { SignedCheckpoint } from "./ports.ts";
import type { Receipt } from "./receipt.ts";

/** A fencing token: where in the log a command took effect. */
export type Committed<Value> = {
  readonly value: Value;
  readonly term: number;
  readonly index: number;
};

export type Consistency = "linearizable" | "local";
export type CounterRead = {
  readonly value: number;
  readonly term: number;
  readonly index: number;
  readonly consistency: Consistency;
  /** How long ago this node last heard an active leader; 0 at the leader itself. */
  readonly ageMs: number;
};

export type Role = "leader" | "follower" | "recovering" | "pending" | "unregistered";

export type NodeStatus = {
  readonly node: {
    readonly slot: number | null;
    /** null until the guest agent has answered. */
    readonly wallet: MemberId | null;
    readonly instanceId: string | null;
    readonly bootKey: BootKey;
    readonly endpoint: string;
    readonly version: string;
  };
  readonly role: Role;
  readonly term: number;
  readonly leader: {
    readonly slot: number;
    readonly wallet: MemberId;
    readonly endpoint: string;
  } | null;
  readonly members: number;
  readonly quorum: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Behind the commit index of whoever is ahead, by its last report; null: nobody was heard. */
  readonly lagEntries: number | null;
  /** The newest that a quorum signed, as far as this node knows. */
  readonly checkpoint: { readonly index: number; readonly coldTerm: number } | null;
  /** The newest that the contract keeps. */
  readonly anchor: { readonly index: number } | null;
  readonly chain: {
    readonly id: number;
    readonly contract: string;
    readonly block: number;
    readonly ageMs: number;
    /** RPC endpoints, such as "rpc 2 (host:port)", that said otherwise than a quorum when last read. */
    readonly disagreeing: readonly string[];
  };
  readonly uptimeMs: number;
  /** What the node waits for, when it waits. */
  readonly waitingFor?: string;
  /** Why the other members would not accept this boot's proof, when they would not. */
  readonly attestation?: string;
};

export type MemberStatus = {
  readonly slot: number;
  readonly tokenId: string;
  readonly wallet: MemberId;
  readonly instanceId: string;
  readonly endpoint: string;
  /** The boot that speaks for the member now, by the log where it says. */
  readonly bootKey: BootKey;
  readonly role: Role;
  /** null: not heard since this node started. */
  readonly lastHeardMs: number | null;
  readonly lagEntries: number | null;
  /** Of that boot, by this node's own judgement; "unverified": it never presented a proof here. */
  readonly attestation: "verified" | "refused" | "unverified" | "self";
  /** What the judgement rests on, for those that were judged. */
  readonly attested?: Attested | { readonly reason: string; readonly agoMs: number };
};

/** From the quote that was verified. Hex is lower-case without 0x, 32 bytes each. */
export type Attested = {
  readonly composeHash: string;
  /** null: the machine measured none. */
  readonly osImageHash: string | null;
  /** SHA-256 of the platform's PPID. */
  readonly deviceId: string;
  /** Intel's word for the state of the platform's security updates. */
  readonly tcbStatus: string;
  /** When it was last judged. */
  readonly agoMs: number;
};

export type LogRecord = {
  readonly index: number;
  readonly term: number;
  /** Milliseconds since the Unix epoch, as the leader noted it. */
  readonly time: number;
  readonly kind: "term-start" | "rejoin" | "command" | "mark" | "checkpoint";
  readonly application: string | null;
  readonly command: unknown;
  readonly result: unknown;
  readonly hash: string;
};
export type LogPage = {
  readonly entries: readonly LogRecord[];
  /** First index still kept; earlier ones are compacted into the snapshot. */
  readonly firstIndex: number;
  readonly lastIndex: number;
};

export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** All that it takes to judge this boot as the members do, offline but for the chain. */
export type Attestation = BootProof & {
  /** 64 bytes, hex: keccak256 of the preimage; then the caller's nonce, padded with zeros. */
  readonly reportData: string;
  /** `abi.encode`d in this order. */
  readonly preimage: {
    readonly domain: string;
    readonly chainId: number;
    readonly contract: string;
    readonly wallet: string;
    readonly bootKey: string;
    readonly blockNumber: string;
    readonly blockHash: string;
  };
  /**
   * What Intel says of the platform's model, signed and dated, as this node would use it now: JSON
   * texts exactly as signed, PEM chains, and lists of revoked certificates as hex of DER. null: the
   * node has none at hand.
   */
  readonly collateral: Readonly<Record<string, string>> | null;
  /**
   * The latest that this member signed, oldest first: of one cold term and index, an honest member
   * signs one root for good, and the members' roots are the same.
   */
  readonly checkpoints: readonly SignedCheckpoint[];
};

/**
 * Calls reject with a ClusterError over CallFault, `receipt` over ReceiptFault too. `increment` and a linearizable
 * `counter` answer only once the protocol allows it.
 */
export type Service = {
  increment(request: {
    readonly by: number;
    readonly idempotencyKey: string | null;
    readonly forward: boolean;
  }): Promise<Committed<number> & { readonly leader: string }>;
  counter(consistency: Consistency): Promise<CounterRead>;
  status(): NodeStatus;
  members(): readonly MemberStatus[];
  log(from: number, limit: number): LogPage;
  /** @param index 1 or greater */
  receipt(index: number): Promise<Receipt>;
  health(): Health;
  /** Without a nonce: this boot's own proof. With one: a fresh quote over it as well. */
  attestation(nonce: string | null): Promise<Attestation>;
  metrics(): Promise<string>;
};
