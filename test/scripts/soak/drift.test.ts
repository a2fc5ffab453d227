import { expect, test } from "vitest";
import { driftOf, median, type Point, pointsMin, warmedUp } from "../../../scripts/soak/drift.ts";

const line = (count: number, value: (seconds: number) => number, boot = 1): Point[] =>
  Array.from({ length: count }, (_, seconds) => ({ seconds, value: value(seconds), boot }));

test("a line's drift is its slope", () => {
  const drift = driftOf(line(61, (seconds) => 100 + 0.5 * seconds));
  expect(drift).toMatchObject({ points: 61, perHour: 1_800, growth: 30 });
  expect([drift?.from, drift?.to]).toEqual([101.5, 128.5]);
});

test("outliers move it little, and noise around a level hardly", () => {
  const spiky = line(200, (seconds) => (seconds % 10 === 0 ? 5_000 : 50) + (seconds % 3));
  expect(Math.abs(driftOf(spiky)?.growth ?? Number.NaN)).toBeLessThan(1);
  const sawtooth = line(400, (seconds) => seconds % 20);
  expect(Math.abs(driftOf(sawtooth)?.growth ?? Number.NaN)).toBeLessThan(20);
});

test("a leak shows through noise", () => {
  const leaks = line(300, (seconds) => 100 + 0.2 * seconds + 10 * Math.sin(seconds));
  expect(driftOf(leaks)?.growth).toBeGreaterThan(50);
});

test("a restart that empties memory hides no growth, and makes none", () => {
  const second = (value: (seconds: number) => number) =>
    line(100, value, 2).map((point) => ({ ...point, seconds: point.seconds + 100 }));
  const leaking = [...line(100, (each) => each), ...second((each) => each)];
  expect(driftOf(leaking)).toMatchObject({ perHour: 3_600, growth: 99 });
  const lower = [...line(100, () => 500), ...second(() => 100)];
  expect(driftOf(lower)?.growth).toBe(0);
});

test("long runs are thinned, and tell the same", () => {
  const drift = driftOf(line(20_000, (seconds) => 2 * seconds));
  expect(drift?.perHour).toBe(7_200);
});

test("a few points say nothing", () => {
  expect(driftOf(line(pointsMin - 1, () => 1))).toBeNull();
  expect(driftOf([])).toBeNull();
  const oneEach = Array.from({ length: 20 }, (_, boot) => ({ seconds: boot, value: boot, boot }));
  expect(driftOf(oneEach)).toBeNull();
});

test("each boot's own warm-up is left out", () => {
  const points = [...line(10, () => 1), ...line(30, () => 2, 2).slice(20)];
  expect(warmedUp(points, 4).map(({ boot, seconds }) => [boot, seconds])).toEqual([
    ...[4, 5, 6, 7, 8, 9].map((seconds) => [1, seconds]),
    ...[24, 25, 26, 27, 28, 29].map((seconds) => [2, seconds]),
  ]);
});

test("the median of an even number lies between the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([])).toBeNaN();
});
