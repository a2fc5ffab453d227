/** One line that tells how a run goes, drawn over again. */
import type { Progress } from "../run.ts";
import { describeTarget } from "../schedule/schedule.ts";

export type ProgressLine = {
  show(progress: Progress): void;
  clear(): void;
};

type Output = Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean };

/** Where nobody watches, a line a fault is enough. */
export function createProgressLine(output: Output): ProgressLine {
  let [lastWrites, lastMs, perSecond] = [0, 0, 0];
  let told = 0;
  return {
    show(progress) {
      const { elapsedMs, counts, fault } = progress;
      if (elapsedMs - lastMs >= 1_000) {
        perSecond = Math.round(((counts.writes - lastWrites) * 1_000) / (elapsedMs - lastMs));
        [lastWrites, lastMs] = [counts.writes, elapsedMs];
      }
      if (output.isTTY === true) output.write(`\r\u001b[K${lineOf(progress, perSecond)}`);
      else if (fault !== null && fault.number > told) {
        told = fault.number;
        output.write(`${lineOf(progress, perSecond)}\n`);
      }
    },
    clear() {
      if (output.isTTY === true) output.write("\r\u001b[K");
    },
  };
}

function lineOf({ elapsedMs, counts, leader, term, fault }: Progress, perSecond: number): string {
  const at = `[${(elapsedMs / 1_000).toFixed(0).padStart(4)} s]`;
  const done = `${counts.writes} writes (${perSecond}/s), ${counts.reads} reads, ${counts.errors} errors`;
  const who = leader === null ? "no leader" : `node${leader + 1} leads term ${term}`;
  const now =
    fault === null ? "quiet" : `${fault.number}. ${fault.fault.name}, ${describeTarget(fault)}`;
  return `${at} ${done} | ${who} | ${now}`;
}
