/** What many runs add up to. */
import type { Tally } from "../world.ts";
import type { Run } from "./errand.ts";

export type Totals = Tally & {
  readonly runs: number;
  readonly failed: readonly number[];
  readonly seconds: number;
  readonly simulatedHours: number;
  readonly terms: number;
  readonly operations: number;
};

const msPerHour = 3_600_000;

export function totalsOf(runs: readonly Run[], seconds: number): Totals {
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0);
  const failed = runs.filter(({ violation }) => violation !== null).map(({ seed }) => seed);
  return {
    runs: runs.length,
    failed: failed.sort((a, b) => a - b),
    seconds,
    simulatedHours: sum(({ simulatedMs }) => simulatedMs) / msPerHour,
    terms: sum(({ terms }) => terms),
    operations: sum(({ operations }) => operations),
    coldStarts: sum(({ tally }) => tally.coldStarts),
    admitted: sum(({ tally }) => tally.admitted),
    removed: sum(({ tally }) => tally.removed),
    anchored: sum(({ tally }) => tally.anchored),
  };
}

export function describeTotals(totals: Totals): string {
  const { runs, failed, seconds, simulatedHours, terms, operations } = totals;
  const { coldStarts, admitted, removed, anchored } = totals;
  return (
    `${runs} seeds, ${failed.length} failed ${JSON.stringify(failed)}: ` +
    `${(runs / seconds).toFixed(1)} seeds/s, ` +
    `${(simulatedHours / seconds).toFixed(2)} simulated hours/s; ${terms} terms, ` +
    `${coldStarts} cold starts, ${admitted} admitted, ${removed} removed, ` +
    `${anchored} anchors, ${operations} client calls`
  );
}
