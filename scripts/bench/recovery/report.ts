/** How long the loss of a leader was felt, as a person reads it. */
import { columns } from "../../cluster/columns.ts";
import { percentile } from "../percentile.ts";
import type { Recoveries, Recovery } from "./measure.ts";

export type RecoveryFigures = {
  readonly times: number;
  /** The subject that the other is compared with comes first, for each fault. */
  readonly measured: readonly Recoveries[];
};

export function reportRecovery({ times, measured }: RecoveryFigures): string {
  return [
    `recovery: the leader of three is lost, ${times} times each way; a proxy in every path between members`,
    ...columns([
      ["fault", "subject", "out ms: min", "median", "max", "whole ms: min", "median", "max"],
      ...measured.map(rowOf),
    ]),
    "out: from the strike to the first acknowledgement of a write sent after it, at any member",
    "whole: from the heal until the member's own read shows the newest acknowledged write",
    ...comparison(measured),
  ].join("\n");
}

function rowOf({ fault, subject, recoveries }: Recoveries): readonly string[] {
  const cells = measures.flatMap((measure) => {
    const ascending = ascendingOf(recoveries, measure);
    return [ascending[0], percentile(ascending, 0.5), ascending.at(-1)];
  });
  return [fault, subject, ...cells.map((value) => (value ?? Number.NaN).toFixed(0))];
}

function comparison(measured: readonly Recoveries[]): readonly string[] {
  const ours = measured.filter(({ subject }) => subject === measured[0]?.subject);
  const rows = ours.flatMap((our) => {
    const their = measured.find(
      ({ fault, subject }) => fault === our.fault && subject !== our.subject,
    );
    if (their === undefined) return [];
    const ratios = measures.map((measure) => medianOf(our, measure) / medianOf(their, measure));
    return [[our.fault, ...ratios.map((ratio) => `${ratio.toFixed(2)}×`)]];
  });
  if (rows.length === 0) return [];
  const title = `${ours[0]?.subject} relative to the other, medians`;
  return ["", title, ...columns([["", "out", "whole"], ...rows])];
}

const measures = ["unavailableMs", "wholeMs"] as const;

function medianOf({ recoveries }: Recoveries, measure: keyof Recovery): number {
  return percentile(ascendingOf(recoveries, measure), 0.5);
}

function ascendingOf(recoveries: readonly Recovery[], measure: keyof Recovery): readonly number[] {
  return recoveries.map((recovery) => recovery[measure]).sort((a, b) => a - b);
}
