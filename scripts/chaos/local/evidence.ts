/** What nodes wrote into their logs of their own accord. */
import { existsSync, readFileSync } from "node:fs";
import type { Ending, Office } from "../subject.ts";

export type Testimony = {
  readonly offices: readonly Office[];
  readonly endings: readonly Ending[];
};

/** @param text a node's log: a JSON object a line, and whatever a crash leaves */
export function testimonyOf(node: string, text: string): Testimony {
  const offices: Office[] = [];
  const endings: Ending[] = [];
  for (const line of text.split("\n")) {
    const said = parse(line);
    if (said === null) continue;
    const { event, pid, term, exitCode, why } = said;
    if (event === "took-office") offices.push({ node, boot: String(pid), term: Number(term) });
    if (typeof exitCode === "number") endings.push({ node, exitCode, why: String(why) });
  }
  return { offices, endings: [...endings, ...crashesIn(node, text)] };
}

/** Node.js itself says why it ends where nobody caught an error. */
function crashesIn(node: string, text: string): readonly Ending[] {
  const thrown = /^(?:\w*Error\b.*|node:internal.*|FATAL ERROR.*)$/m.exec(text);
  const uncaught = thrown !== null && /^Node\.js v\d+/m.test(text);
  return uncaught ? [{ node, exitCode: 1, why: thrown[0] }] : [];
}

export function readLog(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

type Said = {
  readonly event?: unknown;
  readonly pid?: unknown;
  readonly term?: unknown;
  readonly exitCode?: unknown;
  readonly why?: unknown;
};

function parse(line: string): Said | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Said;
  } catch {
    return null;
  }
}
