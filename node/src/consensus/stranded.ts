/**
 * A member bound to what nobody else knows: to a later term, or to this term under another leader or
 * roster, which its endpoint made up or the chain took back.
 *
 * It refuses the leader of the others, as it must; but what it promised never came to anything. As
 * another boot, which promised nothing, it can rejoin, so that the others need no later term for it.
 */
import type { Promised } from "./effect.ts";
import { type Boot, term } from "./ids.ts";
import type { Append, RefusalReason } from "./message.ts";
import { sayNo } from "./promises.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";
import type { View } from "./view.ts";

/** Suspicion times for which it must have heard, and refused, one active leader. */
const patience = 2;

/** To be called with each view before it is taken over: a boot's first one may void the disk's promise. */
export function forgetUnfounded(replica: Replica, view: View): Replica {
  const { promised, log, setup } = replica;
  // This boot has promised nothing yet: without a view nothing is promised.
  if (replica.view !== null || promised === null || log.last.term >= promised.term) return replica;
  const isLater = promised.term > view.term;
  if (!isLater && !isAnothers(promised, view, setup.self)) return replica;
  // The boot's own promise is durable once it is written, whatever term the disk has now.
  const durable = { ...replica.durable, promisedTerm: term(0) };
  return { ...replica, promised: null, durable };
}

/** Of the term that the view shows, but of another leader or roster. A boot's own office bars the next. */
function isAnothers(promised: Promised, { term, leader, roster }: View, self: Boot): boolean {
  if (promised.term !== term || leader === null || leader === self.member) return false;
  const isNamed = memberOf(roster, leader)?.bootKey === promised.leaderBootKey;
  return promised.rosterHash !== roster.hash || !isNamed;
}

/** Answers an append that this replica may not follow. */
export function refuseAppend(
  replica: Replica,
  from: Boot,
  message: Append,
  reason: RefusalReason,
): Step {
  const refused = emit(replica, sayNo(replica, from, message.term, reason));
  return andThen(refused, (told) => noteStranded(told, message));
}

/** An active leader has a quorum without this replica: nobody needs its word. */
function noteStranded(replica: Replica, { term: claimed, active }: Append): Step {
  const { promised, view, log, nowMs, setup } = replica;
  const isElected = active && view?.term === claimed;
  if (!isElected || promised === null || promised.term < claimed) return stay(replica);
  // What its log holds of that term may have been acknowledged.
  if (log.last.term > claimed || log.last.term === promised.term) return stay(replica);
  const sinceMs = replica.strandedMs ?? nowMs;
  const noted = { ...replica, strandedMs: sinceMs };
  if (nowMs - sinceMs < setup.suspectAfterMs * patience) return stay(noted);
  return emit(noted, {
    kind: "halt",
    reason: "stranded",
    detail:
      `bound to a leader of term ${promised.term} that the contract does not show, while others ` +
      `follow that of term ${claimed}: as another boot it can rejoin`,
  });
}
