/**
 * What an application on the log is: a pure state machine that every replica runs alike.
 *
 * Given equal states and equal commands at equal places in the log, `apply` gives equal answers at
 * every member, today and when the log is replayed. So nothing here reads a clock, draws at random
 * or waits. An application that acts on the world will hand its acts out of `apply` beside the
 * state; none does yet.
 */
import type { Term } from "../consensus/ids.ts";

/** Who sent a command. Clients are not told apart yet. */
export type Caller = { readonly kind: "anonymous" };

/** Where in the log a command stands. */
export type Place = {
  readonly index: number;
  readonly term: Term;
  /** Milliseconds since the Unix epoch, as the leader noted it: equal at every replica. */
  readonly timeMs: number;
  readonly caller: Caller;
};

/** What a command did. A refusal leaves the state as it was, and is as deterministic as success. */
export type Applied<State, Result> =
  | { readonly kind: "applied"; readonly state: State; readonly result: Result }
  | { readonly kind: "refused"; readonly reason: string };

/** Values as printable ASCII. Equal values have equal texts: states are compared and hashed. */
export type Codec<Value> = {
  encode(value: Value): string;
  /** `null` when the text stands for no value: it may come from a peer, or from another version. */
  decode(text: string): Value | null;
};

export type Application<State, Command, Result, Query, Answer> = {
  /** The `application` field of a log entry. Printable ASCII, 1 to 255 characters. */
  readonly name: string;
  /** Of the state's encoding; a snapshot names it. From 1, and one more with every change. */
  readonly version: number;
  init(): State;
  apply(state: State, command: Command, place: Place): Applied<State, Result>;
  query(state: State, query: Query): Answer;
  readonly codec: Codec<State>;
  readonly commands: Codec<Command>;
  /** Results are texts of JSON, so that an answer can be kept, sent and shown as it is. */
  readonly results: Codec<Result>;
  /** Reads a state that an older `version` wrote; `null` when it cannot. */
  migrate(version: number, text: string): State | null;
};
