/**
 * Marks and checkpoints in the log (protocol.md, "Checkpoints").
 *
 * The state as of an index is known only once that index is committed and applied, while entries
 * are appended without waiting for that. So a checkpoint takes two entries: a mark, at which every
 * replica hashes its state, and later the checkpoint, which says what the leader's hash was. Both
 * travel with the next commands, or with the next tick: neither costs a batch of its own under load.
 */
import type { Body } from "./entry.ts";
import { rootOf } from "./merkle.ts";
import type { Office, Replica } from "./replica.ts";
import { frontierAt, rememberFrontier } from "./trees.ts";

/** What the active leader is to append now, at most one entry; the replica remembers the tree. */
export function markingDue(replica: Replica): {
  readonly replica: Replica;
  readonly bodies: readonly Body[];
} {
  const { office, setup, nowMs, log } = replica;
  const nothing = { replica, bodies: [] };
  if (office?.stage !== "active") return nothing;
  const { at, covered, unmarked, sinceMs } = office.marks;
  const isOpen = covered < at;
  // A mark that was compacted away before it was covered needs another in its place.
  if (isOpen && at > log.before.index) return checkpointDue(replica, office) ?? nothing;
  const isDue = unmarked >= setup.checkpointEvery || nowMs - sinceMs >= setup.checkpointMs;
  return isDue && (unmarked > 0 || isOpen) ? { replica, bodies: [{ kind: "mark" }] } : nothing;
}

/** Once the state as of the last mark is known. */
function checkpointDue(replica: Replica, { marks }: Office) {
  const { hashed, setup, seats } = replica;
  if (hashed === null || hashed.index !== marks.at) return null;
  const frontier = frontierAt(replica, marks.at);
  const logRoot = frontier === null ? null : rootOf(frontier, setup.treeHash);
  if (frontier === null || logRoot === null) return null;
  const { coldTerm } = seats;
  const checkpoint = { coldTerm, index: marks.at, logRoot, stateHash: hashed.stateHash };
  const bodies: Body[] = [{ kind: "checkpoint", checkpoint }];
  return { replica: rememberFrontier(replica, frontier), bodies };
}
