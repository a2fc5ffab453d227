/** What a person reads after a run. */
import { columns } from "../../cluster/columns.ts";
import { isWrite } from "../history.ts";
import type { Judgement } from "../judge/judge.ts";
import type { Run } from "../run.ts";
import { describeTarget, type Planned } from "../schedule/schedule.ts";
import type { SubjectNode } from "../subject.ts";
import { availability, longestGap, perSecond, recoveriesOf } from "./tally.ts";
import { inSeconds, recoveryTable, timelineOf } from "./terminal.ts";

export type Report = Run & {
  readonly judgement: Judgement;
  readonly seed: number;
  readonly nodes: readonly SubjectNode[];
  readonly schedule: readonly Planned[];
  /** What the launcher said meanwhile. */
  readonly notes: readonly string[];
};

export function summaryOf(report: Report, width: number): string {
  const { evidence, samples, lengthNs, judgement } = report;
  const { operations, strikes } = evidence;
  const seconds = perSecond(operations, lengthNs);
  const skipped = strikes.filter((strike) => strike.skipped !== null);
  return [
    "",
    timelineOf({ seconds, strikes, samples }, width),
    "",
    recoveryTable(recoveriesOf(operations, strikes)),
    "",
    availabilityLine(report),
    ...skipped.map(({ number, name, skipped: why }) => `not struck: ${number}. ${name}: ${why}`),
    ...notReached(report),
    "",
    ...verdictOf(judgement),
  ].join("\n");
}

function availabilityLine({ evidence, lengthNs }: Report): string {
  const { served, of } = availability(perSecond(evidence.operations, lengthNs));
  const ends = evidence.operations
    .filter((operation) => operation.outcome === "ok" && isWrite(operation))
    .map(({ completedNs }) => completedNs)
    .sort((a, b) => a - b);
  const share = ((100 * served) / Math.max(1, of)).toFixed(1);
  const longest = inSeconds(longestGap([0, ...ends]) / 1e6);
  return (
    `${ends.length} writes acknowledged, in ${served} of ${of} seconds (${share} %); ` +
    `the longest silence was ${longest} s`
  );
}

function notReached({ schedule, evidence }: Report): readonly string[] {
  const missing = schedule.slice(evidence.strikes.length);
  if (missing.length === 0) return [];
  const names = missing.map(({ fault }) => fault.name).join(", ");
  return [`not reached in the time: ${names}`];
}

function verdictOf({ checks, findings }: Judgement): readonly string[] {
  const rows = checks.map(({ check, on }) => {
    const found = findings.filter((finding) => finding.check === check);
    return [found.length === 0 ? "  ok" : "  VIOLATED", check, on];
  });
  const told = findings.map(({ check, text }) => `  ${check}: ${text}`);
  const verdict = findings.length === 0 ? "PASSED" : "FAILED";
  return [...columns(rows), "", `${verdict}${told.length === 0 ? "" : ":"}`, ...told];
}

export function describeSchedule(schedule: readonly Planned[]): string {
  const rows = schedule.map((planned) => [
    `${planned.number}.`,
    `at ${inSeconds(planned.atMs)} s`,
    `for ${inSeconds(planned.holdMs)} s`,
    planned.fault.name,
    describeTarget(planned),
  ]);
  return columns(rows).join("\n");
}
