/** Everything that can happen to a replica. */
import type { Voucher } from "./checkpoint.ts";
import type { Boot, BootKey, Hash, Term } from "./ids.ts";
import type { Message, NoConfidence } from "./message.ts";
import type { View } from "./view.ts";

/** Names one waiting client call; chosen by the runtime, echoed in effects. */
export type Ticket = number;

/** Time passed. `monotonicMs` never falls within a boot; `wallMs` is informative. */
export type Tick = { readonly kind: "tick"; readonly monotonicMs: number; readonly wallMs: number };
export type ViewRead = { readonly kind: "view"; readonly view: View };
/** This very process registered its boot key with the contract: it never forgot anything. */
export type Registered = { readonly kind: "registered" };
/** The boots that attestation refuses at this moment, this one perhaps among them: all there are. */
export type Attested = { readonly kind: "attested"; readonly refused: readonly BootKey[] };
/** Messages can now reach this boot; `disconnected` ends that. */
export type Connected = { readonly kind: "connected"; readonly boot: Boot };
export type Disconnected = { readonly kind: "disconnected"; readonly boot: Boot };
export type Received = {
  readonly kind: "received";
  readonly from: Boot;
  readonly message: Message;
};
/** Commands to append, in order. */
export type Propose = {
  readonly kind: "propose";
  readonly wallMs: number;
  readonly commands: readonly { readonly ticket: Ticket; readonly payload: Uint8Array }[];
};
/** Linearizable reads that wait for the leader's confirmation. */
export type Read = { readonly kind: "read"; readonly tickets: readonly Ticket[] };
/** Everything asked to be persisted up to here is durable. */
export type Persisted = {
  readonly kind: "persisted";
  readonly promisedTerm: Term;
  readonly lastIndex: number;
  readonly lastHash: Hash;
};
/** The application's state as of `index`, which this replica has applied. */
export type StateCaptured = {
  readonly kind: "state-captured";
  readonly index: number;
  readonly state: Uint8Array;
};
/** Hash of the application's state as of the mark at `index`, which this replica has applied. */
export type StateHashed = {
  readonly kind: "state-hashed";
  readonly index: number;
  readonly stateHash: Hash;
};
/** This member's own signature over a checkpoint, as asked. */
export type CheckpointSigned = { readonly kind: "checkpoint-signed"; readonly voucher: Voucher };
/** This member's own vote, signed as asked. */
export type VoteSigned = { readonly kind: "vote-signed"; readonly vote: NoConfidence };
/** Orderly shutdown: a leader hands over. */
export type StepDown = { readonly kind: "step-down" };

export type Input =
  | Tick
  | ViewRead
  | Registered
  | Attested
  | Connected
  | Disconnected
  | Received
  | Propose
  | Read
  | Persisted
  | StateCaptured
  | StateHashed
  | CheckpointSigned
  | VoteSigned
  | StepDown;
