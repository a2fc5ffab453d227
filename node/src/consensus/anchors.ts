/** The rollback check of a cold start: the chain's anchor bounds what old disks can take away. */
import type { Adopted } from "./graft.ts";
import { rootOf } from "./merkle.ts";
import { emit, type Office, type Replica, type Rollback, type Step, stay } from "./replica.ts";
import { frontierAt } from "./trees.ts";

/**
 * How the log that would be adopted falls short of the contract's anchor; null when it holds it.
 *
 * An anchor before the first entry kept is judged by length alone: its root cannot be computed any
 * more, and what a snapshot replaced was committed.
 */
export function missesAnchor(replica: Replica, { last, entries }: Adopted): Rollback | null {
  const anchor = replica.view?.anchor ?? null;
  if (anchor === null || anchor.index <= replica.log.before.index) return null;
  const rollback = { anchorIndex: anchor.index, lastIndex: last.index };
  if (last.index < anchor.index) return rollback;
  const frontier = frontierAt(replica, anchor.index, entries);
  const root = frontier === null ? null : rootOf(frontier, replica.setup.treeHash);
  return root === anchor.logRoot ? null : rollback;
}

/** Said once for each log that is refused: more promises may yet bring a longer one. */
export function refuseRollback(replica: Replica, office: Office, rollback: Rollback): Step {
  if (office.rollback?.lastIndex === rollback.lastIndex) return stay(replica);
  const { anchorIndex, lastIndex } = rollback;
  return emit(
    { ...replica, office: { ...office, rollback } },
    {
      kind: "note",
      severity: "error",
      event: "rollback-detected",
      detail: { anchorIndex, lastIndex, missingEntries: Math.max(anchorIndex - lastIndex, 0) },
    },
  );
}
