/** What happened, line by line, for people. Off unless asked for: then lines cost nothing. */

export type Trace = {
  readonly recording: boolean;
  /** `line` is called only while recording. */
  note(line: () => string): void;
  lines(): readonly string[];
};

export function createTrace(recording: boolean, nowMs: () => number): Trace {
  const lines: string[] = [];
  return {
    recording,
    note(line) {
      if (recording) lines.push(`${String(Math.round(nowMs())).padStart(8)}  ${line()}`);
    },
    lines: () => lines,
  };
}
