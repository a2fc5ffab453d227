/** Everything a replica can ask for. Effects run left to right. */
import type { Certificate, Checkpoint, Voucher } from "./checkpoint.ts";
import type { Entry } from "./entry.ts";
import type { Boot, BootKey, Hash, MemberId, Term } from "./ids.ts";
import type { Ticket } from "./input.ts";
import type { Message } from "./message.ts";
import type { Snapshot } from "./snapshot.ts";

/** A replica's durable word to one leader boot and one roster. */
export type Promised = {
  readonly term: Term;
  readonly leaderBootKey: BootKey;
  readonly rosterHash: Hash;
};

/** What is to be made durable. The writes of one effect become durable together, in order. */
export type Write =
  | { readonly kind: "promise"; readonly promised: Promised }
  /** Entries after `after` are replaced by `entries`. */
  | { readonly kind: "entries"; readonly after: number; readonly entries: readonly Entry[] }
  /** Replaces what the log held up to `snapshot.at`; entries up to `keepAfter` may be deleted. */
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot; readonly keepAfter: number }
  /** The whole log is replaced by `snapshot`. */
  | { readonly kind: "install"; readonly snapshot: Snapshot };

export type Persist = { readonly kind: "persist"; readonly writes: readonly Write[] };
/**
 * Invariant: with `after: "durable"`, the message leaves only when every persist before it (in this
 * and in earlier steps) is durable. `"now"` marks the few that depend on nothing unwritten.
 */
export type Send = {
  readonly kind: "send";
  readonly to: Boot;
  readonly message: Message;
  readonly after: "durable" | "now";
};
/** Entries are committed, in order and once each; the runtime applies them. */
export type Commit = { readonly kind: "commit"; readonly entries: readonly Entry[] };
/** The application's state is replaced by the snapshot's. */
export type Restore = { readonly kind: "restore"; readonly snapshot: Snapshot };
/** The commands' place in the log: first ticket at `firstIndex`, and so on, all in `term`. */
export type Appended = {
  readonly kind: "appended";
  readonly tickets: readonly Ticket[];
  readonly firstIndex: number;
  readonly term: Term;
};
/** Definite: the commands or reads were not taken up. */
export type Declined = { readonly kind: "declined"; readonly tickets: readonly Ticket[] };
/** The reads may be answered from a state that has applied `index`. */
export type ReadReady = {
  readonly kind: "read-ready";
  readonly tickets: readonly Ticket[];
  readonly index: number;
  readonly term: Term;
};

/** The view is behind what a peer said: read the contract now. */
export type RefreshView = { readonly kind: "refresh-view" };
export type SignVote = {
  readonly kind: "sign-vote";
  readonly term: Term;
  readonly successor: MemberId;
  readonly deadline: number;
};
export type SubmitNoConfidence = {
  readonly kind: "submit-no-confidence";
  readonly term: Term;
  readonly successor: MemberId;
  readonly deadline: number;
  readonly signatures: readonly { readonly member: MemberId; readonly signature: string }[];
};
/** On-chain fallback; `noConfidence: false` withdraws. */
export type CastVote = {
  readonly kind: "cast-vote";
  readonly term: Term;
  readonly successor: MemberId;
  readonly noConfidence: boolean;
};
export type HandOver = {
  readonly kind: "hand-over";
  readonly term: Term;
  readonly successor: MemberId;
};
export type ColdStart = {
  readonly kind: "cold-start";
  readonly term: Term;
  /** In slot order, one for each member of the roster. */
  readonly bootKeys: readonly BootKey[];
};

/** A pending member has caught up: it becomes one in full, in a new term of the same leader. */
export type Admit = { readonly kind: "admit"; readonly term: Term; readonly member: MemberId };
/** This member goes, in a new term of the same leader. */
export type Remove = { readonly kind: "remove"; readonly term: Term; readonly member: MemberId };

/** The state as of its index must have been found equal before it is signed. */
export type SignCheckpoint = { readonly kind: "sign-checkpoint"; readonly checkpoint: Checkpoint };
/** Put the certificate on-chain. */
export type AnchorCertificate = Certificate & { readonly kind: "anchor"; readonly term: Term };
/** One member signed two roots for one index: prove it to the contract. */
export type ReportEquivocation = {
  readonly kind: "report-equivocation";
  readonly term: Term;
  readonly member: MemberId;
  readonly vouchers: readonly [Voucher, Voucher];
};

/** Something worth a log line or a counter; it changes nothing. */
export type Note = {
  readonly kind: "note";
  /** `error`: someone has to do something about it. */
  readonly severity: "info" | "error";
  readonly event: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
};
/** This process must end: `replaced` and `stranded` restart as a new boot, `invariant` stays down. */
export type Halt = {
  readonly kind: "halt";
  readonly reason: "replaced" | "stranded" | "invariant";
  readonly detail: string;
};

export type Effect =
  | Persist
  | Send
  | Commit
  | Restore
  | Appended
  | Declined
  | ReadReady
  | RefreshView
  | SignVote
  | SubmitNoConfidence
  | CastVote
  | HandOver
  | ColdStart
  | Admit
  | Remove
  | SignCheckpoint
  | AnchorCertificate
  | ReportEquivocation
  | Note
  | Halt;
