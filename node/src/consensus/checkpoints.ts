/**
 * Marks and checkpoints in the log (protocol.md, "Checkpoints").
 *
 * The state as of an index is known only once that index is committed and applied, while entries
 * are appended without waiting for that. So a checkpoint takes two entries: a mark, at which every
 * replica hashes its state, and later the checkpoint, which says what the leader's hash was.
 */
import type { StateHashed } from "./input.ts";
import { rootOf } from "./merkle.ts";
import { type Replica, type Step, stay } from "./replica.ts";
import { appendOwn } from "./replicate.ts";
import { frontierAt, rememberFrontier } from "./trees.ts";

/** The runtime hashed the state as of a mark. */
export function onStateHashed(replica: Replica, { index, stateHash }: StateHashed): Step {
  return takeCheckpoint({ ...replica, hashed: { index, stateHash } });
}

/** A leader's: mark the log when enough has come since the last mark, once that one is covered. */
export function markTick(replica: Replica): Step {
  const { office, setup, nowMs, log } = replica;
  if (office?.stage !== "active") return stay(replica);
  const { at, covered, unmarked, sinceMs } = office.marks;
  const isOpen = covered < at;
  // A mark that was compacted away before it was covered needs another in its place.
  if (isOpen && at > log.before.index) return takeCheckpoint(replica);
  const isDue = unmarked >= setup.checkpointEvery || nowMs - sinceMs >= setup.checkpointMs;
  return isDue && (unmarked > 0 || isOpen) ? appendOwn(replica, [{ kind: "mark" }]) : stay(replica);
}

/** A leader's: once the last mark's state is known, say so in the log. */
function takeCheckpoint(replica: Replica): Step {
  const { office, hashed, setup, seats } = replica;
  if (office?.stage !== "active" || hashed === null) return stay(replica);
  const { at, covered } = office.marks;
  if (hashed.index !== at || covered >= at) return stay(replica);
  const frontier = frontierAt(replica, at);
  const logRoot = frontier === null ? null : rootOf(frontier, setup.treeHash);
  if (frontier === null || logRoot === null) return stay(replica);
  const { coldTerm } = seats;
  const checkpoint = { coldTerm, index: at, logRoot, stateHash: hashed.stateHash };
  return appendOwn(rememberFrontier(replica, frontier), [{ kind: "checkpoint", checkpoint }]);
}
