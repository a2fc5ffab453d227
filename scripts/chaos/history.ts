/** What clients did and saw, one record an operation. */
import { appendFileSync, writeFileSync } from "node:fs";

export type OperationKind = "increment" | "repeat" | "read" | "local-read";

/**
 * `failed`: it did not and will not happen, by the service's own word or because it was never sent;
 * `unknown`: it may have happened, or happen yet.
 */
export type Outcome = "ok" | "failed" | "unknown";

export type Operation = {
  readonly id: number;
  /** Each does one operation at a time. */
  readonly client: number;
  readonly kind: OperationKind;
  /** What an increment adds. No two operations add the same, but a repeat adds what it repeats. */
  readonly by: number | null;
  readonly key: string | null;
  /** Nanoseconds of the monotonic clock since the run began. */
  readonly invokedNs: number;
  /** When the outcome was known to the client. */
  readonly completedNs: number;
  readonly outcome: Outcome;
  readonly value: number | null;
  readonly index: number | null;
  readonly term: number | null;
  /** Position of the node that was asked last. */
  readonly node: number;
  /** Of the last attempt, which alone was answered. */
  readonly askedNs: number;
  readonly attempts: number;
  /** The last failure: a problem document's code, or what the connection died of. */
  readonly error: string | null;
};

export type Recorder = {
  /** Since the run began. */
  nowNs(): number;
  nextId(): number;
  add(operation: Operation): void;
  readonly operations: readonly Operation[];
  /** Acknowledged so far: increments, reads. */
  counts(): { readonly writes: number; readonly reads: number; readonly errors: number };
};

export function createRecorder(): Recorder {
  const origin = process.hrtime.bigint();
  const operations: Operation[] = [];
  let [ids, writes, reads, errors] = [0, 0, 0, 0];
  return {
    nowNs: () => Number(process.hrtime.bigint() - origin),
    nextId() {
      ids += 1;
      return ids;
    },
    add(operation) {
      operations.push(operation);
      if (operation.outcome !== "ok") errors += 1;
      else if (isWrite(operation)) writes += 1;
      else reads += 1;
    },
    operations,
    counts: () => ({ writes, reads, errors }),
  };
}

export function isWrite({ kind }: Operation): boolean {
  return kind === "increment" || kind === "repeat";
}

/** One JSON object a line, in the order of completion. */
export function writeHistory(file: string, operations: readonly Operation[]): void {
  const chunk = 5_000;
  writeFileSync(file, "");
  for (let from = 0; from < operations.length; from += chunk) {
    const lines = operations.slice(from, from + chunk).map((each) => JSON.stringify(each));
    appendFileSync(file, `${lines.join("\n")}\n`);
  }
}
