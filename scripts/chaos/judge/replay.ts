/** The merged log, carried out once more on a counter of our own. */
import type { LogEntry } from "../observe/logs.ts";

export type Applied = {
  readonly index: number;
  readonly term: number;
  /** Tells the operation: no two add the same. */
  readonly by: number;
  /** The counter after it. */
  readonly value: number;
};

export type Replay = {
  /** By what they add: the entry at which each operation first stands in the log. */
  readonly applied: ReadonlyMap<number, Applied>;
  /** The counter as of an index; `null` where the log was not seen without gaps up to there. */
  valueAt(index: number): number | null;
  /** First index that no node showed; `null`: none up to the last one seen. */
  readonly firstGap: number | null;
  readonly lastIndex: number;
  /** Entries whose outcome at the nodes was not what it had to be. */
  readonly wrong: readonly string[];
};

/** @param entries ascending by index, each once */
export function replay(entries: readonly LogEntry[]): Replay {
  const applied = new Map<number, Applied>();
  const values: number[] = [0];
  const wrong: string[] = [];
  let value = 0;
  let next = 1;
  for (const { index, term, by, result } of entries) {
    if (index !== next) break;
    next += 1;
    if (by !== null) {
      const first = applied.get(by);
      if (first === undefined) {
        value += by;
        applied.set(by, { index, term, by, value });
      }
      const expected = first?.value ?? value;
      if (result !== null && result !== expected) {
        wrong.push(wrongOutcome({ index, by, result }, expected, first));
      }
    }
    values[index] = value;
  }
  const lastIndex = entries.at(-1)?.index ?? 0;
  return {
    applied,
    valueAt: (index) => values[index] ?? null,
    firstGap: next > lastIndex ? null : next,
    lastIndex,
    wrong,
  };
}

function wrongOutcome(
  { index, by, result }: { index: number; by: number; result: number },
  expected: number,
  first: Applied | undefined,
): string {
  const what = first === undefined ? "" : `, the operation already applied at ${first.index},`;
  return `entry ${index} adds ${by}${what} and led to ${result} instead of ${expected}`;
}
