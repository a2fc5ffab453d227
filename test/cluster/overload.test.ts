/** A real cluster at five times its capacity: it refuses, goes on counting, and keeps its leader. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closedLoop, openLoop, probe } from "../../scripts/bench/overload/workers.ts";
import { usageOf } from "../../scripts/bench/usage.ts";
import type { Cluster, ClusterNode } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { type Counter, getJson, type Status } from "../support/clients.ts";

/** Of each node: code, some 25,000 log entries, and queues that are full. */
const rssMiBMax = 512;
/** As in compose.ts and guard.ts. */
const callsWaitingMax = 4_096;
const writesAllowedMax = 1_024;
const seconds = 6;
const times = 5;
const lookEveryMs = 250;

let cluster: Cluster;
let dataDir: string;
const urls = () => cluster.nodes.map(({ url }) => url);

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  // A machine with other work may not let a node run for a second; a load alone never may.
  const nodeEnvironment = { SUSPECT_AFTER_MS: "3000" };
  cluster = await startCluster({ dataDir, nodeCount: 3, basePort: 19_700, nodeEnvironment });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test("at five times its capacity the cluster refuses, counts each write once, and stays in touch", async () => {
  const capacity = await closedLoop({ urls: urls(), connections: 96, seconds: 3 });
  const [before, termBefore] = [await counter(), await term()];
  const watching = watch();
  const asked = { urls: urls(), seconds, timeoutMs: 5_000 };
  const perSecond = times * capacity.perSecond;
  const [load, status] = await Promise.all([
    openLoop({ ...asked, perSecond, connections: 4_500, depthMax: 1 }),
    probe({ ...asked, perSecond: 20 }),
  ]);
  const most = await watching.stop();
  const { p50, p99 } = status.latencyMs;
  console.info(
    `capacity ${capacity.perSecond.toFixed(0)}/s; ${JSON.stringify({ ...load.byStatus, ...most })}; ` +
      `/status p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  );

  expect(load.shed).toBeGreaterThan(0);
  expect(load.shedWithRetryAfter).toBe(load.shed);
  expect(load.byStatus).toEqual({ 200: expect.any(Number), 503: load.shed });
  const acknowledged = load.byStatus["200"] ?? 0;
  const grown = (await counter()) - before;
  expect(grown).toBeGreaterThanOrEqual(acknowledged);
  expect(grown).toBeLessThanOrEqual(acknowledged + load.timedOut + load.cut);

  expect(await term()).toBe(termBefore);
  expect(status.terms).toEqual([termBefore]);
  expect(status.answered).toBe(status.asked);
  expect(most.rssMiB).toBeLessThan(rssMiBMax);
  expect(most.callsWaiting).toBeLessThanOrEqual(callsWaitingMax);
  expect(most.writesUnderWay).toBeLessThanOrEqual(writesAllowedMax);
});

test("afterwards it serves as before", async () => {
  const after = await closedLoop({ urls: urls(), connections: 8, seconds: 1 });
  expect(after.perSecond).toBeGreaterThan(0);
  expect(after.otherAnswers).toBe(0);
});

const counter = async () => (await getJson<Counter>(`${urls()[0]}/counter`)).value;
const term = async () => (await getJson<Status>(`${urls()[0]}/status`)).term;

/** The most of any node, looked at every so often. */
function watch() {
  const most = { rssMiB: 0, callsWaiting: 0, writesUnderWay: 0 };
  const looks: Promise<void>[] = [];
  const timer = setInterval(() => {
    looks.push(...cluster.nodes.map(look));
  }, lookEveryMs);

  async function look(node: ClusterNode): Promise<void> {
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    const read = (name: string) =>
      Number(new RegExp(`^dstack_cluster_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
    most.rssMiB = Math.max(most.rssMiB, Math.round(usageOf(node)?.rssMiB ?? 0));
    most.callsWaiting = Math.max(most.callsWaiting, read("calls_waiting"));
    most.writesUnderWay = Math.max(most.writesUnderWay, read("writes_under_way"));
  }

  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(looks);
      return most;
    },
  };
}
