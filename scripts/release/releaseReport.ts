/** A release, and what came of holding it against a new build, for people and for programs. */
import { columns } from "../cluster/columns.ts";
import { type Check, isReproduced } from "./check.ts";
import type { Release } from "./records.ts";

export function releaseText(release: Release, isNew: boolean): string {
  const fields = Object.entries(release).map(([name, value]) => [
    name,
    String(value ?? "not known"),
  ]);
  const sentence = `Release ${release.version} ${isNew ? "is recorded" : "was recorded before"}.`;
  return [...columns(fields), "", sentence].join("\n");
}

export function checkText(version: string, checks: readonly Check[]): string {
  const rows = checks.map(({ what, expected, found }) =>
    expected === found
      ? [what, "ok", found]
      : [what, "differs", `recorded ${expected}, found ${found}`],
  );
  const verdict = `Release ${version} is ${isReproduced(checks) ? "" : "not "}reproduced.`;
  return [...columns([["what", "result", "value"], ...rows]), "", verdict].join("\n");
}

export function jsonOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
