import { expect, test } from "vitest";
import { combine } from "../../../scripts/bench/combine.ts";
import { percentile } from "../../../scripts/bench/percentile.ts";
import { reportOf } from "../../../scripts/bench/report.ts";
import type { Measurement } from "../../../scripts/bench/throughput.ts";

const measurement = (change: Partial<Measurement>): Measurement => ({
  subject: "ours",
  workload: "write",
  connections: 16,
  requestsPerSecond: 1_000,
  p50Ms: 1,
  p99Ms: 4,
  elapsedSeconds: 10,
  failed: 0,
  members: [{ name: "node1", role: "leader", cpuPercent: 50, rssMiB: 80 }],
  ...change,
});

test("percentiles are by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, position) => position + 1);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test("runs of one load are combined: means, the sum of failures, the most memory", () => {
  const other = measurement({
    requestsPerSecond: 3_000,
    p99Ms: 8,
    failed: 2,
    members: [{ name: "node1", role: "leader", cpuPercent: 70, rssMiB: 90 }],
  });
  expect(combine([measurement({ failed: 1 }), other])).toMatchObject({
    requestsPerSecond: 2_000,
    p99Ms: 6,
    failed: 3,
    members: [{ cpuPercent: 60, rssMiB: 90 }],
  });
});

test("the comparison sets each load against the same load of the other", () => {
  const report = reportOf({
    measurements: [
      measurement({}),
      measurement({ subject: "theirs", requestsPerSecond: 400, p50Ms: 2, p99Ms: 2 }),
      measurement({ connections: 64 }),
    ],
    failovers: [{ subject: "ours", milliseconds: [1_200, 900, 1_000] }],
    memory: [],
  });
  expect(report).toMatch(/^write +16 +2\.50× +0\.50× +2\.00×$/m);
  expect(report).not.toMatch(/^write +64 +.*×/m);
  expect(report).toMatch(/^ours +1000 +1200 +1200 900 1000$/m);
});
