/** What one question about a member, or about the cluster, came to. */
import type { Check } from "../../node/src/tee/check.ts";

/** The five things that are checked of every member, in the order of the tables. */
export const groups = [
  "chain of trust",
  "measurements",
  "freshness",
  "roster",
  "same log root",
] as const;
export type Group = (typeof groups)[number];

export type Finding = {
  readonly group: Group;
  readonly check: string;
  /** `skipped`: not asked, because what it needs is missing; `actual` says what. */
  readonly result: "ok" | "failed" | "skipped";
  readonly expected: string;
  readonly actual: string;
};

export function findingOf(group: Group, { name, ok, expected, actual }: Check): Finding {
  return { group, check: name, result: ok ? "ok" : "failed", expected, actual };
}

export function ok(group: Group, check: string, actual: string): Finding {
  return { group, check, result: "ok", expected: actual, actual };
}

export function failed(
  group: Group,
  check: string,
  found: { readonly expected: string; readonly actual: string },
): Finding {
  return { group, check, result: "failed", expected: found.expected, actual: found.actual };
}

export function skipped(group: Group, check: string, reason: string): Finding {
  return { group, check, result: "skipped", expected: "", actual: reason };
}

export const hasFailed = (findings: readonly Finding[]): boolean =>
  findings.some(({ result }) => result === "failed");
