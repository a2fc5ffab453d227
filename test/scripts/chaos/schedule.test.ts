import { expect, test } from "vitest";
import { allFaults } from "../../../scripts/chaos/faults/all.ts";
import { drawSchedule } from "../../../scripts/chaos/schedule/schedule.ts";

const options = { faults: allFaults, nodeCount: 3, durationMs: 120_000, each: false };
const shownOf = (seed: number) =>
  drawSchedule({ ...options, seed }).map(({ fault, ...planned }) => ({
    ...planned,
    fault: fault.name,
  }));

test("the same seed draws the same schedule, another seed another", () => {
  expect(shownOf(7)).toEqual(shownOf(7));
  expect(shownOf(7)).not.toEqual(shownOf(8));
});

test("faults come one after the other, with calm at both ends", () => {
  for (const seed of [1, 2, 3]) {
    const schedule = drawSchedule({ ...options, seed });
    const starts = schedule.map(({ atMs }) => atMs);
    const ends = schedule.map(({ atMs, holdMs }) => atMs + holdMs);
    expect(starts[0]).toBeGreaterThanOrEqual(2_000);
    expect(ends.at(-1)).toBeLessThan(options.durationMs);
    for (const [at, start] of starts.entries())
      if (at > 0) expect(start).toBeGreaterThan(ends[at - 1] ?? 0);
  }
});

test("no fault comes twice before every other came once", () => {
  const names = drawSchedule({ ...options, durationMs: 600_000, seed: 5 }).map(
    ({ fault }) => fault.name,
  );
  const possible = allFaults.filter(({ nodesMin }) => nodesMin <= 3).length;
  expect(names.length).toBeGreaterThan(possible);
  expect(new Set(names.slice(0, possible)).size).toBe(possible);
});

test("a fault that needs more nodes than there are is left out", () => {
  const namesWith = (nodeCount: number) =>
    drawSchedule({ ...options, nodeCount, each: true, seed: 1 }).map(({ fault }) => fault.name);
  expect(namesWith(3)).not.toContain("split");
  expect(namesWith(5)).toContain("split");
});

test("each fault once, at its shortest", () => {
  const schedule = drawSchedule({ ...options, nodeCount: 5, each: true, seed: 9 });
  expect(schedule.map(({ fault }) => fault.name).sort()).toEqual(
    allFaults.map(({ name }) => name).sort(),
  );
  for (const { fault, holdMs } of schedule) expect(holdMs).toBe(fault.holdMs[0]);
});

test("a long fault has no place in a short run", () => {
  const namesIn = (durationMs: number) =>
    drawSchedule({ ...options, durationMs, seed: 1 }).map(({ fault }) => fault.name);
  expect(namesIn(60_000)).not.toContain("blocks-12s");
  expect(namesIn(900_000)).toContain("blocks-12s");
});
