/** Writes what is kept of a run: `report.json`, `history.jsonl`, `log.jsonl`, `timeline.svg`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeHistory } from "../history.ts";
import { describeTarget } from "../schedule/schedule.ts";
import type { Report } from "./summary.ts";
import { drawTimeline } from "./svg.ts";
import { availability, perSecond, recoveriesOf } from "./tally.ts";

export function writeReport(folder: string, report: Report): void {
  const { evidence, samples, lengthNs, judgement, seed, nodes, notes } = report;
  const { operations, entries, strikes, ...said } = evidence;
  const seconds = perSecond(operations, lengthNs);
  const verdict = judgement.findings.length === 0 ? "passed" : "failed";
  const content = {
    verdict,
    seed,
    nodes,
    lengthNs,
    ...judgement,
    availability: availability(seconds),
    recoveries: recoveriesOf(operations, strikes),
    schedule: report.schedule.map(({ fault, ...planned }) => ({
      ...planned,
      fault: fault.name,
      target: describeTarget(planned),
    })),
    strikes,
    seconds,
    samples,
    ...said,
    notes,
  };
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(content, null, 2)}\n`);
  writeHistory(join(folder, "history.jsonl"), operations);
  writeFileSync(
    join(folder, "log.jsonl"),
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
  );
  const title = `seed ${seed}: ${verdict}, ${operations.length} operations, ${strikes.length} faults`;
  const names = nodes.map(({ name }) => name);
  const svg = drawTimeline({ title, nodes: names, seconds, strikes, samples });
  writeFileSync(join(folder, "timeline.svg"), svg);
}
