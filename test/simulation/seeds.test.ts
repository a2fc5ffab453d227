import { expect, test } from "vitest";
import { reportFailure } from "./report.ts";
import { drawScenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { runSeeds } from "./workers/crew.ts";
import { describeTotals } from "./workers/totals.ts";

const seedCount = 500;

test(`${seedCount} seeds of faults break no invariant, and the cluster recovers`, async () => {
  const totals = await runSeeds(
    { first: 1, last: seedCount },
    ({ violation }) => violation === null,
  );
  const [failed] = totals.failed;
  if (failed !== undefined) expect.fail(reportFailure(drawScenario(failed)));
  expect(totals.runs).toBe(seedCount);
  console.log(describeTotals(totals));
});

test("equal seeds make equal runs, to the last event", () => {
  for (const seed of [3, 5, 8]) {
    const first = simulate(drawScenario(seed), true);
    expect(first.trace.length).toBeGreaterThan(100);
    expect(simulate(drawScenario(seed), true)).toEqual(first);
  }
});
