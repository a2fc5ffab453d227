/** The figures of an overload as a person reads them. */
import { columns } from "../../cluster/columns.ts";
import type { OverloadFigures } from "./measure.ts";
import type { Latencies } from "./openLoop.ts";

export function reportOverload(figures: OverloadFigures): string {
  const { times, capacity, load, status, statusIdle, idleServer, memory } = figures;
  const acknowledged = load.byStatus["200"] ?? 0;
  const answered = Object.values(load.byStatus).reduce((sum, each) => sum + each, 0);
  const rate = (count: number) => `${(count / load.elapsedSeconds).toFixed(0)}/s`;
  const share = (count: number, of: number) => (of === 0 ? "" : percent(count / of));
  return [
    `overload: ${times} times the capacity for ${load.elapsedSeconds} s, over all members`,
    ...columns([
      ["capacity", `${capacity.perSecond.toFixed(0)}/s`, "closed loop"],
      ["offered", rate(load.due), "open loop"],
      ["sent", rate(load.due - load.unsent), "the others found all connections waiting"],
      ["acknowledged", rate(acknowledged), share(acknowledged, answered)],
      ["refused", rate(load.shed), share(load.shed, answered)],
      ["  with Retry-After", rate(load.shedWithRetryAfter), ""],
      ["other answers", String(answered - acknowledged - load.shed), ""],
      ["timed out", String(load.timedOut), ""],
      ["cut off", String(load.cut), ""],
      ["counted", String(figures.counted), `acknowledged: ${acknowledged}`],
      ["terms", status.terms.join(" "), `before: ${statusIdle.terms.join(" ")}`],
    ]),
    "",
    "latency, ms",
    ...columns([
      ["", "p50", "p99", "most", "answered"],
      latencyRow("acknowledged", load.acknowledgedMs),
      latencyRow("refused", load.shedMs),
      [...latencyRow("/status, idle", statusIdle.latencyMs), shareOf(statusIdle)],
      [...latencyRow("/status", status.latencyMs), shareOf(status)],
      ...status.byUrl.map((each, position) =>
        latencyRow(`  ${memory[position]?.name ?? ""}`, each),
      ),
      [...latencyRow("an idle server", idleServer.latencyMs), shareOf(idleServer)],
    ]),
    "",
    "resident memory, MiB",
    ...columns([
      ["member", "idle", "first half", "second half"],
      ...memory.map(({ name, ...row }) => [
        name,
        row.idleMiB.toFixed(0),
        row.firstHalfMiB.toFixed(0),
        row.secondHalfMiB.toFixed(0),
      ]),
    ]),
  ].join("\n");
}

function latencyRow(name: string, { p50, p99, max }: Latencies): string[] {
  const fixed = (value: number) => (Number.isFinite(value) ? value.toFixed(1) : "-");
  return [name, fixed(p50), fixed(p99), fixed(max)];
}

function shareOf({ answered, asked }: { answered: number; asked: number }): string {
  return `${answered} of ${asked}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} % of answers`;
}
