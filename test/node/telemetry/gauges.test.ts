import { expect, test } from "vitest";
import { bootKey } from "../../../node/src/consensus/ids.ts";
import { newStation } from "../../../node/src/runtime/station.ts";
import { watchNode } from "../../../node/src/telemetry/gauges.ts";
import { createMetrics } from "../../../node/src/telemetry/metrics.ts";

test("a node that waits for the guest agent says that it neither leads nor is healthy", async () => {
  const station = newStation({
    bootKey: bootKey("22".repeat(32)),
    endpoint: "http://127.0.0.1:8081",
    version: "0.1.0",
    startedMs: performance.now() - 2_000,
  });
  const metrics = createMetrics();
  const room = { underWay: () => 3, allowed: () => 64 };
  watchNode(metrics, station, { writes: room, reads: { ...room, underWay: () => 5 } });
  const text = await metrics.render();
  expect(text).toContain("\ndstack_cluster_healthy 0\n");
  expect(text).toContain("\ndstack_cluster_leading 0\n");
  expect(text).toContain("\ndstack_cluster_commit_index 0\n");
  expect(text).toMatch(/\ndstack_cluster_uptime_seconds [2-9]/);
  expect(text).toContain("\ndstack_cluster_calls_waiting 0\n");
  expect(text).toContain("\ndstack_cluster_writes_under_way 3\n");
  expect(text).toContain("\ndstack_cluster_writes_allowed 64\n");
  expect(text).toContain("\ndstack_cluster_reads_under_way 5\n");
  expect(text).not.toMatch(/\ndstack_cluster_chain_age_seconds \d/);
});
