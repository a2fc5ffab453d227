/**
 * The drift of a series: the median slope between all pairs of its samples (Theil and Sen), which
 * outliers such as a slow answer or a collection of garbage hardly move.
 *
 * Pairs are made within one boot of one node: a restart empties memory, and says nothing of growth.
 */

export type Point = { readonly seconds: number; readonly value: number; readonly boot: number };

export type Drift = {
  readonly points: number;
  /** Medians of the first and of the last tenth of the points. */
  readonly from: number;
  readonly to: number;
  readonly perHour: number;
  /** By that slope, over the time of the longest boot. */
  readonly growth: number;
};

export const pointsMin = 8;
/** Pairs are as many as the square of it. */
const pointsPerBootMax = 400;
const secondsPerHour = 3_600;

/** null: too few points to say. */
export function driftOf(points: readonly Point[]): Drift | null {
  if (points.length < pointsMin) return null;
  const boots = [...Map.groupBy(points, ({ boot }) => boot).values()].map(thinned);
  const slopes = boots.flatMap(slopesWithin);
  if (slopes.length === 0) return null;
  const perSecond = median(slopes);
  const seconds = Math.max(...boots.map(spanOf));
  const tenth = Math.ceil(points.length / 10);
  const values = points.map(({ value }) => value);
  return {
    points: points.length,
    from: median(values.slice(0, tenth)),
    to: median(values.slice(-tenth)),
    perHour: perSecond * secondsPerHour,
    growth: perSecond * seconds,
  };
}

/** Leaves out what each boot needed to warm up: caches and tables that fill once. */
export function warmedUp(points: readonly Point[], warmUpSeconds: number): readonly Point[] {
  const begun = new Map<number, number>();
  for (const { boot, seconds } of points) {
    begun.set(boot, Math.min(seconds, begun.get(boot) ?? Number.POSITIVE_INFINITY));
  }
  return points.filter(({ boot, seconds }) => seconds - (begun.get(boot) ?? 0) >= warmUpSeconds);
}

function thinned(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / pointsPerBootMax);
  return points.filter((_, position) => position % step === 0);
}

function slopesWithin(points: readonly Point[]): number[] {
  return points.flatMap((first, position) =>
    points
      .slice(position + 1)
      .filter(({ seconds }) => seconds > first.seconds)
      .map(({ seconds, value }) => (value - first.value) / (seconds - first.seconds)),
  );
}

function spanOf(points: readonly Point[]): number {
  return (points.at(-1)?.seconds ?? 0) - (points[0]?.seconds ?? 0);
}

export function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length / 2;
  const upper = ascending[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((ascending[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
