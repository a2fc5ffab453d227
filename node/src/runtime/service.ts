/** What a node offers its clients. The HTTP adapter renders it; tests call it directly. */
import type { BootKey, MemberId } from "../consensus/ids.ts";
import type { BootProof } from "./attestation.ts";
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
  readonly attestation: "verified" | "unverified" | "self";
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

export type Attestation = BootProof & {
  readonly reportData: string;
  readonly preimage: {
    readonly domain: string;
    readonly chainId: number;
    readonly contract: string;
    readonly wallet: string;
    readonly bootKey: string;
    readonly blockNumber: string;
    readonly blockHash: string;
  };
};

/**
 * Calls reject with a ClusterError over CallFault, `receipt` over ReceiptFault too. `increment` and a linearizable `counter` answer
 * only once the protocol allows it.
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
