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

export function recordingCount(): { readonly count: Count; of(name: string): number } {
  const totals = new Map<string, number>();
  return {
    count(name, _labels, by = 1) {
      totals.set(name, (totals.get(name) ?? 0) + by);
    },
    of: (name) => totals.get(name) ?? 0,
  };
}
