/** A member's doubt in the leader, which confidence.ts raises, shares and settles. */
import type { MemberId, Term } from "./ids.ts";
import type { NoConfidence } from "./message.ts";

/** As it was last repeated. */
export type Vote = { readonly said: NoConfidence; readonly heardAwakeMs: number };

/** What this replica thinks of the present leader, and what others told it. */
export type Doubt = {
  readonly term: Term;
  /** When the view first showed this term. */
  readonly termSeenAwakeMs: number;
  /** Terms in a row whose leader never became active: doubles the patience with the next. */
  readonly idleTerms: number;
  readonly sinceMs: number | null;
  readonly ownVote: NoConfidence | null;
  readonly signingMs: number;
  readonly toldMs: number;
  readonly votes: ReadonlyMap<MemberId, Vote>;
  readonly quorumMs: number | null;
  readonly submittedMs: number;
  readonly castMs: number | null;
};

export function noDoubt(of: Term, termSeenAwakeMs: number, idleTerms: number): Doubt {
  return {
    term: of,
    termSeenAwakeMs,
    idleTerms,
    sinceMs: null,
    ownVote: null,
    signingMs: Number.NEGATIVE_INFINITY,
    toldMs: Number.NEGATIVE_INFINITY,
    votes: new Map(),
    quorumMs: null,
    submittedMs: Number.NEGATIVE_INFINITY,
    castMs: null,
  };
}
