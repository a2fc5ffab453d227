import { expect, test } from "vitest";
import { reportFailure } from "./report.ts";
import { drawScenario, type Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** No fault is to blame: the members never get the block that would start term 1. */
const withoutBlocks: Scenario = {
  ...drawScenario(5),
  heartbeatMs: 100,
  blockMs: 1e9,
  faultsMs: 10_000,
  clientCount: 3,
  thinkMs: 5_000,
};

test("a failure that needs no fault shrinks to none", () => {
  const shrunk = shrink(withoutBlocks, 40);
  expect(withoutBlocks.faults.length).toBeGreaterThan(0);
  expect(shrunk?.scenario.faults).toEqual([]);
  expect(shrunk?.scenario.clientCount).toBe(1);
  expect(shrunk?.outcome.violation?.invariant).toBe("the cluster recovers");
});

test("a scenario that does not fail is not shrunk", () => {
  expect(shrink(drawScenario(5), 1)).toBeNull();
});

test("the report names the seed, how to replay it, and how it came about", () => {
  const report = reportFailure(withoutBlocks);
  expect(report).toMatch(/^seed 5: the cluster recovers/);
  expect(report).toContain("npm run sim -- --seed 5");
  expect(report).toContain("A1 starts");
  expect(report).toContain("VIOLATION");
});
