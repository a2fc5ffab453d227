/**
 * A member bound to a term that nobody else knows: its endpoint made it up, or the chain took it back.
 *
 * It refuses every earlier leader, as it must; but what it promised never came to anything. As
 * another boot, which promised nothing, it can rejoin, so that the others need no later term for it.
 */
import type { Boot } from "./ids.ts";
import type { Append, RefusalReason } from "./message.ts";
import { sayNo } from "./promises.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import type { View } from "./view.ts";

/** Suspicion times for which it must have heard, and refused, one active leader. */
const patience = 2;

/** To be called with each view, before it is taken over: a promise from the disk counts if it can. */
export function forgetUnfounded(replica: Replica, view: View): Replica {
  const { promised, log } = replica;
  // This boot has promised nothing yet: without a view nothing is promised.
  if (replica.view !== null || promised === null) return replica;
  const isUnfounded = promised.term > view.term && promised.term > log.last.term;
  return isUnfounded ? { ...replica, promised: null } : replica;
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
function noteStranded(replica: Replica, { term, active }: Append): Step {
  const { promised, view, log, nowMs, setup } = replica;
  const isElected = active && view?.term === term;
  if (!isElected || promised === null || promised.term <= term || log.last.term > term) {
    return stay(replica);
  }
  const sinceMs = replica.strandedMs ?? nowMs;
  const noted = { ...replica, strandedMs: sinceMs };
  if (nowMs - sinceMs < setup.suspectAfterMs * patience) return stay(noted);
  return emit(noted, {
    kind: "halt",
    reason: "stranded",
    detail:
      `bound to term ${promised.term}, which the contract does not show, while others follow the ` +
      `leader of term ${term}: as another boot it can rejoin`,
  });
}
