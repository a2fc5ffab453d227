/** Marks in the log, and what they leave to do: what a leader keeps in mind of them. */
import type { Body } from "./entry.ts";
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
  const begun: Marks = { at: 0, covered: 0, unmarked: 0, sinceMs: nowMs };
  return between(log, log.before.index, log.last.index).reduce(
    (marks, { index, body }) => marksAfter(marks, index, body, nowMs),
    begun,
  );
}

export function marksAfter(marks: Marks, index: number, body: Body, nowMs: number): Marks {
  switch (body.kind) {
    case "mark":
      return { ...marks, at: index, unmarked: 0 };
    case "checkpoint":
      return { ...marks, covered: Math.max(marks.covered, body.checkpoint.index) };
    default:
      return {
        ...marks,
        unmarked: marks.unmarked + 1,
        sinceMs: marks.unmarked === 0 ? nowMs : marks.sinceMs,
      };
  }
}
