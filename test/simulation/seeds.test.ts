import { expect, test } from "vitest";
import { reportFailure } from "./report.ts";
import { drawScenario } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";

const seedCount = 250;
const msPerHour = 3_600_000;

test(`${seedCount} seeds of faults break no invariant, and the cluster recovers`, () => {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  for (let seed = 1; seed <= seedCount; seed += 1) {
    const scenario = drawScenario(seed);
    const outcome = simulate(scenario);
    if (outcome.violation !== null) expect.fail(reportFailure(scenario));
    outcomes.push(outcome);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const total = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
  const hours = total(({ simulatedMs }) => simulatedMs) / msPerHour;
  console.log(
    `${seedCount} seeds: ${(seedCount / seconds).toFixed(1)} seeds/s, ` +
      `${(hours / seconds).toFixed(2)} simulated hours/s; ${total(({ terms }) => terms)} terms, ` +
      `${total(({ tally }) => tally.coldStarts)} cold starts, ` +
      `${total(({ operations }) => operations)} client calls`,
  );
});

test("equal seeds make equal runs, to the last event", () => {
  for (const seed of [3, 5, 8]) {
    const first = simulate(drawScenario(seed), true);
    expect(first.trace.length).toBeGreaterThan(100);
    expect(simulate(drawScenario(seed), true)).toEqual(first);
  }
});
