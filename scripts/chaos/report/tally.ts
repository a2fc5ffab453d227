/** Figures of a run, second by second and fault by fault. */
import { isWrite, type Operation } from "../history.ts";
import type { Strike } from "../nemesis.ts";

export type Second = {
  /** Acknowledged in it. */
  readonly writes: number;
  readonly reads: number;
  /** Ended in it without an answer to go by. */
  readonly failed: number;
  readonly unknown: number;
};

const nsPerSecond = 1e9;

/** @param lengthNs of the run; the last second may be a part of one */
export function perSecond(operations: readonly Operation[], lengthNs: number): readonly Second[] {
  const none: Second = { writes: 0, reads: 0, failed: 0, unknown: 0 };
  const seconds = Array.from({ length: Math.ceil(lengthNs / nsPerSecond) }, () => ({ ...none }));
  for (const operation of operations) {
    const second = seconds[Math.floor(operation.completedNs / nsPerSecond)];
    if (second === undefined) continue;
    if (operation.outcome === "ok") second[isWrite(operation) ? "writes" : "reads"] += 1;
    else second[operation.outcome] += 1;
  }
  return seconds;
}

/** Seconds in which a write was acknowledged, of those that are over. */
export function availability(seconds: readonly Second[]): {
  readonly served: number;
  readonly of: number;
} {
  return { served: seconds.filter(({ writes }) => writes > 0).length, of: seconds.length };
}

export type Recovery = {
  readonly name: string;
  /** From its start to the first write that was sent after it, elsewhere, and acknowledged; ms. */
  readonly fromStartMs: number | null;
  /** From the beginning of its healing to the first write that was sent after that. */
  readonly fromHealMs: number | null;
  /** The longest time without an acknowledged write from its start until all was well. */
  readonly silentMs: number;
  /** From the end of its healing until every node served. */
  readonly wellMs: number | null;
};

export function recoveriesOf(
  operations: readonly Operation[],
  strikes: readonly Strike[],
): readonly Recovery[] {
  const writes = operations
    .filter((operation) => operation.outcome === "ok" && isWrite(operation))
    .sort((a, b) => a.completedNs - b.completedNs);
  return strikes
    .filter(({ skipped }) => skipped === null)
    .map((strike) => recoveryOf(writes, strike));
}

/** @param writes acknowledged ones, in the order of their ends */
function recoveryOf(writes: readonly Operation[], strike: Strike): Recovery {
  const { name, startedNs, healNs, healedNs, wellNs, affected } = strike;
  const firstAfter = (ns: number, elsewhere: boolean) =>
    writes.find(({ askedNs, node }) => askedNs >= ns && !(elsewhere && affected.includes(node)));
  const sinceMs = (ns: number, first: Operation | undefined) =>
    first === undefined ? null : (first.completedNs - ns) / 1e6;
  const everywhere = affected.length > 0 && writes.every(({ node }) => affected.includes(node));
  const endNs = wellNs ?? healedNs;
  const times = writes
    .map(({ completedNs }) => completedNs)
    .filter((ns) => ns > startedNs && ns < endNs);
  return {
    name,
    fromStartMs: sinceMs(startedNs, firstAfter(startedNs, !everywhere)),
    fromHealMs: sinceMs(healNs, firstAfter(healNs, false)),
    silentMs: longestGap([startedNs, ...times, endNs]) / 1e6,
    wellMs: wellNs === null ? null : (wellNs - healedNs) / 1e6,
  };
}

export function longestGap(ascending: readonly number[]): number {
  let longest = 0;
  for (let at = 1; at < ascending.length; at += 1) {
    longest = Math.max(longest, (ascending[at] ?? 0) - (ascending[at - 1] ?? 0));
  }
  return longest;
}

export type Spread = { readonly min: number; readonly median: number; readonly max: number };

/** `null` when there is nothing to tell. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const ascending = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [min, max] = [ascending[0], ascending.at(-1)];
  if (min === undefined || max === undefined) return null;
  const middle = ascending.length / 2;
  const low = ascending[Math.ceil(middle) - 1] ?? min;
  const high = ascending[Math.floor(middle)] ?? max;
  return { min, median: (low + high) / 2, max };
}
