import { expect, test } from "vitest";
import { counters, gauges, histograms } from "../../../node/src/runtime/metrics.ts";
import { createMetrics } from "../../../node/src/telemetry/metrics.ts";

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  (await metrics.render()).split("\n").filter((line) => line.startsWith(`dstack_cluster_${name}`));

test("a counter counts by its labels", async () => {
  const metrics = createMetrics();
  metrics.count("http_requests_total", { path: "/log", status: "200" });
  metrics.count("http_requests_total", { path: "/log", status: "200" }, 4);
  metrics.count("http_requests_total", { path: "/log", status: "400" });
  metrics.count("journal_damaged_total");
  expect(await linesOf(metrics, "http_requests_total")).toEqual([
    'dstack_cluster_http_requests_total{path="/log",status="200"} 5',
    'dstack_cluster_http_requests_total{path="/log",status="400"} 1',
  ]);
  expect(await linesOf(metrics, "journal")).toEqual(["dstack_cluster_journal_damaged_total 1"]);
});

test("a gauge is read at each scrape and left out while it has no value", async () => {
  const metrics = createMetrics();
  let term: number | null = 3;
  metrics.gauge("term", () => term);
  expect(await linesOf(metrics, "term")).toEqual(["dstack_cluster_term 3"]);
  term = null;
  expect(await linesOf(metrics, "term")).toEqual([]);
  term = 4;
  expect(await linesOf(metrics, "term")).toEqual(["dstack_cluster_term 4"]);
});

test("a histogram counts what is at most each bound", async () => {
  const metrics = createMetrics();
  for (const seconds of [0.0004, 0.003, 0.3]) metrics.observe("increment_seconds", seconds);
  const lines = await linesOf(metrics, "increment_seconds");
  expect(lines).toContain('dstack_cluster_increment_seconds_bucket{le="0.0005"} 1');
  expect(lines).toContain('dstack_cluster_increment_seconds_bucket{le="0.005"} 2');
  expect(lines).toContain("dstack_cluster_increment_seconds_count 3");
});

test("the process tells its memory, its CPU time and how busy it is", async () => {
  const metrics = createMetrics();
  const readingOf = async (name: string) =>
    Number((await linesOf(metrics, name))[0]?.split(" ")[1]);
  expect(await readingOf("process_resident_memory_bytes")).toBeGreaterThan(1e7);
  expect(await readingOf("process_heap_used_bytes")).toBeGreaterThan(1e6);
  expect(await readingOf("process_cpu_seconds")).toBeGreaterThan(0);
  const busy = await readingOf("event_loop_busy_ratio");
  expect(busy).toBeGreaterThanOrEqual(0);
  expect(busy).toBeLessThanOrEqual(1);
});

test("a turn of the event loop that took long shows at the next scrape, and at that one only", async () => {
  const metrics = createMetrics();
  const delay = async () =>
    Number(/\n\w+_event_loop_delay_seconds (\S+)/.exec(await metrics.render())?.[1]);
  const blockedMs = 300;
  let longest = 0;
  let blocks = true;
  // Samples are taken between the attempts: one before the loop is blocked, one after.
  await expect
    .poll(
      async () => {
        if (blocks) block(blockedMs);
        else longest = await delay();
        blocks = !blocks;
        return longest;
      },
      { interval: 60, timeout: 10_000 },
    )
    .toBeGreaterThan(blockedMs / 2_000);
  await expect.poll(delay, { timeout: 10_000 }).toBeLessThan(longest);
});

function block(ms: number): void {
  const since = performance.now();
  while (performance.now() - since < ms);
}

test("two nodes in one process count apart", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.count("journal_damaged_total");
  expect(await linesOf(other, "journal")).toEqual(["dstack_cluster_journal_damaged_total 0"]);
});

test("names and labels are ones that Prometheus takes", () => {
  const names = [counters, gauges, histograms].flatMap((table) => Object.keys(table));
  expect(names.filter((name) => !/^[a-z][a-z_]*$/.test(name))).toEqual([]);
  expect(Object.keys(counters).filter((name) => !name.endsWith("_total"))).toEqual([]);
});
