/** The table of rules in README.md. */
import type { Finding } from "./attempt.ts";
import type { Rule } from "./rule.ts";

const heads = ["rule", "section", "caught by", "invariant violated"] as const;

/** @param findings of the rules, in their order */
export function tableOf(rules: readonly Rule[], findings: readonly Finding[]): string {
  const rows = rules.map(({ name, section }, at) => {
    const { caughtBy, invariant } = findings[at] ?? { caughtBy: "nothing", invariant: "none" };
    const by = typeof caughtBy === "number" ? `seed ${caughtBy}` : `"${caughtBy}"`;
    return [name, section, by, invariant];
  });
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(heads), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join(
    "\n",
  );
}

/**
 * The text with another table in the place of its own.
 *
 * @throws Error when `text` has no table of rules
 */
export function withTable(text: string, table: string): string {
  const { lines, begin, end } = findTable(text);
  return [...lines.slice(0, begin), table, ...lines.slice(end)].join("\n");
}

/** @throws Error when `text` has no table of rules */
export function namesIn(text: string): readonly string[] {
  const { lines, begin, end } = findTable(text);
  return lines.slice(begin + 2, end).map((line) => line.split("|")[1]?.trim() ?? "");
}

function findTable(text: string) {
  const lines = text.split("\n");
  const begin = lines.findIndex((line) => /^\| rule +\| section +\|/.test(line));
  if (begin < 0) throw new Error("expected a table that begins with: | rule | section |");
  const length = lines.slice(begin).findIndex((line) => !line.startsWith("|"));
  return { lines, begin, end: length < 0 ? lines.length : begin + length };
}
