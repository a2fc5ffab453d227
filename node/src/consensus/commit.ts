/** What follows from knowing that a prefix of the log is committed. */

import { between } from "./log.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import { settleRosters } from "./seats.ts";
import { onCheckpointsCommitted } from "./vouchers.ts";

/** Moves the commit index up to `index` (never down, never past the log) and says what to apply. */
export function commitTo(replica: Replica, index: number): Step {
  const target = Math.min(index, replica.log.last.index);
  if (target <= replica.commitIndex) return stay(replica);
  const entries = between(replica.log, replica.commitIndex, target);
  const seats = settleRosters(replica.seats, target);
  const committed = settleStatus({ ...replica, commitIndex: target, seats });
  const applied = emit(committed, { kind: "commit", entries });
  return isReplaced(committed)
    ? andThen(applied, endIfReplaced)
    : andThen(applied, (known) => onCheckpointsCommitted(known, entries));
}

/** To be called when the log's committed part has changed. */
export function endIfReplaced(replica: Replica): Step {
  if (!isReplaced(replica)) return stay(replica);
  return emit(replica, {
    kind: "halt",
    reason: "replaced",
    detail: "another boot of this member has rejoined: this one no longer counts",
  });
}

/**
 * A recovering boot is normal once it knows the entry that names its key to be committed: whatever
 * it forgot is remembered by a quorum that did not count it. And a boot that registered is not
 * normal when its log has an earlier boot speak for its member still: it must rejoin as well.
 */
export function settleStatus(replica: Replica): Replica {
  const { member, bootKey } = replica.setup.self;
  if (replica.status === "normal") {
    return mayBeAdmitted(replica) ? replica : { ...replica, status: "recovering" };
  }
  const namedAt = replica.seats.namedAt.get(member);
  const speaks = replica.seats.valid.get(member) === bootKey;
  const settled = speaks && namedAt !== undefined && namedAt <= replica.commitIndex;
  return settled ? { ...replica, status: "normal" } : replica;
}

/** No other boot has ever spoken for the member since it was last admitted, as far as the log says. */
export function mayBeAdmitted({ seats, setup }: Replica): boolean {
  const { member, bootKey } = setup.self;
  const valid = seats.valid.get(member);
  return valid === undefined || valid === bootKey || seats.named.has(bootKey);
}

/** True when the log once named this boot and now, committed, names another for its member. */
function isReplaced({ seats, setup, commitIndex }: Replica): boolean {
  const { member, bootKey } = setup.self;
  const valid = seats.valid.get(member);
  if (valid === undefined || valid === bootKey || !seats.named.has(bootKey)) return false;
  return (seats.namedAt.get(member) ?? 0) <= commitIndex;
}
