/**
 * Is a history of one counter linearizable, in the time of a sort?
 *
 * Each increment adds a different number, so values tell their order: what an operation answered
 * places it, and an increment whose answer was lost is placed by the log or not at all. An order
 * given by values is a linearization exactly if no operation ended before another began and yet
 * comes after it. The general search (`linearizability.ts`) agrees, on histories short enough.
 */

/** One operation with its place in the order of values. */
export type Placed = {
  readonly id: number;
  readonly kind: "increment" | "read";
  /** What the counter was when it took effect, before and after; equal for a read. */
  readonly before: number;
  readonly after: number;
  readonly invoked: number;
  /** Infinite when no answer came. */
  readonly returned: number;
};

export type Disorder = { readonly earlier: Placed; readonly later: Placed };

/** @returns pairs of which the first ended before the second began, but shows a later value */
export function disordersIn(history: readonly Placed[]): readonly Disorder[] {
  const byInvocation = [...history].sort((a, b) => a.invoked - b.invoked);
  const byReturn = [...history].sort((a, b) => a.returned - b.returned);
  const disorders: Disorder[] = [];
  let returned = 0;
  let furthest: Placed | null = null;
  for (const later of byInvocation) {
    for (let next = byReturn[returned]; next !== undefined; next = byReturn[returned]) {
      if (next.returned >= later.invoked) break;
      if (furthest === null || next.after > furthest.after) furthest = next;
      returned += 1;
    }
    // An increment comes after every value that was seen before it; a read may see the same again.
    if (furthest !== null && later.before < furthest.after) {
      disorders.push({ earlier: furthest, later });
    }
  }
  return disorders;
}

/** @returns increments that claim the same step of the counter as another */
export function overlapsIn(history: readonly Placed[]): readonly Disorder[] {
  const steps = history
    .filter(({ kind }) => kind === "increment")
    .sort((a, b) => a.before - b.before);
  return steps.flatMap((later, at) => {
    const earlier = steps[at - 1];
    return earlier !== undefined && later.before < earlier.after ? [{ earlier, later }] : [];
  });
}
