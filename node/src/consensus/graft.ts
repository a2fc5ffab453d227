/** Joining a leader's entries to this replica's log. */
import type { Entry } from "./entry.ts";
import { append, between, type Position, positionAt, truncate } from "./log.ts";
import { emit, type Replica, type Step, stay } from "./replica.ts";
import { openSeats, seatsAfter } from "./seats.ts";

/** A log to take over: `entries` follow the replica's own, up to `last`; none when it has them all. */
export type Adopted = { readonly last: Position; readonly entries: readonly Entry[] };

/**
 * Adds `entries`, which follow a position held already. What matches stays: dropping entries that
 * the leader also has would unsay acks. Only a real conflict cuts the log, and never at or below
 * the commit index.
 */
export function graft(replica: Replica, entries: readonly Entry[]): Step {
  const { log } = replica;
  const fresh = entries.findIndex(
    ({ index, hash }) => index > log.before.index && positionAt(log, index)?.hash !== hash,
  );
  const missing = fresh < 0 ? [] : entries.slice(fresh);
  const first = missing[0];
  if (first === undefined) return stay(replica);

  const after = first.index - 1;
  if (after < replica.commitIndex) return contradiction(replica, first.index);
  const kept = truncate(replica.log, after);
  const cut = kept.last.index < replica.log.last.index;
  const seats = cut ? refold(replica, after) : replica.seats;
  return emit(
    { ...replica, log: append(kept, missing), seats: seatsAfter(seats, missing) },
    { kind: "persist", writes: [{ kind: "entries", after, entries: missing }] },
  );
}

/** Cuts the log after `index`, where the log that is being adopted ends. */
export function cutAfter(replica: Replica, index: number): Step {
  if (index >= replica.log.last.index) return stay(replica);
  if (index < replica.commitIndex) return contradiction(replica, index + 1);
  return emit(
    { ...replica, log: truncate(replica.log, index), seats: refold(replica, index) },
    { kind: "persist", writes: [{ kind: "entries", after: index, entries: [] }] },
  );
}

/** The seats as of `index`, which is not below the snapshot. */
export function refold({ snapshot, log }: Replica, index: number) {
  const from = snapshot?.at.index ?? log.before.index;
  return seatsAfter(openSeats(snapshot), between(log, from, index));
}

export function contradiction(replica: Replica, index: number): Step {
  return emit(replica, {
    kind: "halt",
    reason: "invariant",
    detail:
      `the leader's log differs at index ${index}, which is committed here ` +
      `(commit index ${replica.commitIndex}): one of the two logs has lost committed entries`,
  });
}
