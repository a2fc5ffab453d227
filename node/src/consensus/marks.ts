/** Marks in the log, and what they leave to do: what a leader keeps in mind of them. */
import type { Entry } from "./entry.ts";
import { between, type Log } from "./log.ts";

export type Marks = {
  /** Index of the last mark; 0 when the log kept holds none. */
  readonly at: number;
  /** Index of the last mark that a checkpoint covers. */
  readonly covered: number;
  /** Entries after the last mark that are neither mark nor checkpoint. */
  readonly unmarked: number;
  /** When the first of these came, as far as this leader knows. */
  readonly sinceMs: number;
};

/** As the log says that a leader takes over. */
export function marksIn(log: Log, nowMs: number): Marks {
  const none: Marks = { at: 0, covered: 0, unmarked: 0, sinceMs: nowMs };
  return marksAfter(none, between(log, log.before.index, log.last.index), nowMs);
}

export function marksAfter(marks: Marks, entries: readonly Entry[], nowMs: number): Marks {
  let { at, covered, unmarked, sinceMs } = marks;
  for (const { index, body } of entries) {
    if (body.kind === "mark") {
      at = index;
      unmarked = 0;
    } else if (body.kind === "checkpoint") {
      covered = Math.max(covered, body.checkpoint.index);
    } else {
      if (unmarked === 0) sinceMs = nowMs;
      unmarked += 1;
    }
  }
  return { at, covered, unmarked, sinceMs };
}
