/** Counts tests in what vitest and forge print. */
import { stripVTControlCharacters } from "node:util";

export type Tally = { readonly passed: number; readonly failed: number };

/** Sums every run's own last word: `Tests  1 failed | 11 passed (12)`, or forge's. */
export function tallyOf(output: string): Tally {
  const tallies = stripVTControlCharacters(output)
    .split("\n")
    .map((line) => vitestTally(line) ?? forgeTally(line))
    .filter((tally) => tally !== null);
  return {
    passed: sum(tallies.map(({ passed }) => passed)),
    failed: sum(tallies.map(({ failed }) => failed)),
  };
}

function vitestTally(line: string): Tally | null {
  const counts = /^\s*Tests\s+(.*)\(\d+\)\s*$/.exec(line)?.[1];
  if (counts === undefined) return null;
  const of = (outcome: string) => Number(new RegExp(`(\\d+) ${outcome}`).exec(counts)?.[1] ?? 0);
  return { passed: of("passed"), failed: of("failed") };
}

function forgeTally(line: string): Tally | null {
  const match = /(\d+) tests passed, (\d+) failed, \d+ skipped \(\d+ total tests\)/.exec(line);
  return match === null ? null : { passed: Number(match[1]), failed: Number(match[2]) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
