/** Ports of the runtime that remember what they were told. */
import type { Count, Log } from "../../node/src/runtime/ports.ts";

export type LogLine = {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly sentence: string;
};

export function recordingLog(): { readonly log: Log; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object, sentence: string) => {
    lines.push({ level, fields, sentence });
  };
  const log: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return { log, lines };
}

export type Counted = readonly [name: string, labels: object | undefined];

export function recordingCount() {
  const totals = new Map<string, number>();
  const counted: Counted[] = [];
  const count: Count = (name, labels, by = 1) => {
    counted.push([name, labels]);
    totals.set(name, (totals.get(name) ?? 0) + by);
  };
  return {
    count,
    counted: counted as readonly Counted[],
    of: (name: string) => totals.get(name) ?? 0,
  };
}
