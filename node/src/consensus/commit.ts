/** What follows from knowing that a prefix of the log is committed. */
import { between } from "./log.ts";
import { emit, type Replica, type Step, stay } from "./replica.ts";
import { settleRosters } from "./seats.ts";

/** Moves the commit index up to `index` (never down, never past the log) and says what to apply. */
export function commitTo(replica: Replica, index: number): Step {
  const target = Math.min(index, replica.log.last.index);
  if (target <= replica.commitIndex) return stay(replica);
  const entries = between(replica.log, replica.commitIndex, target);
  const seats = settleRosters(replica.seats, target);
  const committed = settleStatus({ ...replica, commitIndex: target, seats });
  const effects = [{ kind: "commit", entries } as const];
  return isReplaced(committed)
    ? emit(committed, ...effects, {
        kind: "halt",
        reason: "replaced",
        detail: "another boot of this member has rejoined: this one no longer counts",
      })
    : emit(committed, ...effects);
}

/**
 * A recovering boot is normal once it knows the entry that names its key to be committed: whatever
 * it forgot is remembered by a quorum that did not count it.
 */
export function settleStatus(replica: Replica): Replica {
  if (replica.status === "normal") return replica;
  const { member, bootKey } = replica.setup.self;
  const namedAt = replica.seats.namedAt.get(member);
  const speaks = replica.seats.valid.get(member) === bootKey;
  const settled = speaks && namedAt !== undefined && namedAt <= replica.commitIndex;
  return settled ? { ...replica, status: "normal" } : replica;
}

/** True when the log once named this boot and now, committed, names another for its member. */
function isReplaced({ seats, setup, commitIndex }: Replica): boolean {
  const { member, bootKey } = setup.self;
  const valid = seats.valid.get(member);
  if (valid === undefined || valid === bootKey || !seats.named.has(bootKey)) return false;
  return (seats.namedAt.get(member) ?? 0) <= commitIndex;
}
