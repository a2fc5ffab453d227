/** The verdict as a person reads it. */
import { columns } from "../cluster/columns.ts";
import { series } from "./series.ts";
import type { Accounts, Finding } from "./verdict.ts";

export type Run = {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly samples: number;
  readonly restarts: number;
};

export function reportOf(run: Run, findings: readonly Finding[], accounts: Accounts): string {
  const { acknowledged, retries, open, before, after, verdict } = accounts;
  return [
    `${duration(run.seconds)} under load, ${run.samples} samples, ${run.restarts} restarts; ` +
      `drift is judged without the first ${duration(run.warmUpSeconds)} of each boot`,
    "",
    ...columns([
      ["series", "node", "from", "to", "unit", "per hour", "growth", "bound", "verdict"],
      ...findings.map(rowOf),
    ]),
    "",
    `writes: ${acknowledged} acknowledged, ${retries} sent again, ${open} left open; the counter ` +
      `went from ${before} to ${after}: ${verdict}`,
  ].join("\n");
}

function rowOf({ node, name, drift, grows }: Finding): readonly string[] {
  const { about, unit, growthMax } = series[name];
  if (drift === null) return [about, node, "-", "-", unit, "-", "-", String(growthMax), "too few"];
  const { from, to, perHour, growth } = drift;
  return [
    about,
    node,
    fixed(from),
    fixed(to),
    unit,
    signed(perHour),
    signed(growth),
    String(growthMax),
    grows ? "GROWS" : "steady",
  ];
}

function fixed(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 1 : 0);
}

function signed(value: number): string {
  return `${value > 0 ? "+" : ""}${fixed(value)}`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  const minutes = seconds / 60;
  return minutes < 120 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(1)} h`;
}
