import type { MemberId, Term } from "./ids.ts";
import type { Roster } from "./roster.ts";

/** What the contract says, read at one block. Believed for liveness; promises carry safety. */
export type View = {
  /** 0 while genesis still collects members. */
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly roster: Roster;
  /** Term of the last cold start; 0 is "none". */
  readonly coldTerm: Term;
  /** Members revoked by the owner: not to be named successor. */
  readonly revoked: readonly MemberId[];
};
