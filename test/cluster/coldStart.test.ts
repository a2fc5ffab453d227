/** Breaking the glass: a majority goes on without a machine that is gone, and takes it back later. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { type Counter, getJson, increment } from "../support/clients.ts";

let cluster: Cluster;
let dataDir: string;
const url = (position: number): string => cluster.nodes[position]?.url ?? "";

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  cluster = await startCluster({
    dataDir,
    nodeCount: 3,
    basePort: 18_281,
    nodeEnvironment: { COLD_START: "majority" },
  });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test("with COLD_START=majority two of three go on after an outage, and the third rejoins", async () => {
  const before = await increment(url(2), { by: 7 });
  await Promise.all([0, 1, 2].map((position) => cluster.kill(position, "SIGKILL")));
  await Promise.all([0, 1].map((position) => cluster.restart(position)));
  await cluster.waitUntilServing(30_000, [0, 1]);
  expect((await increment(url(0))).value).toBe(before.value + 1);

  await cluster.restart(2);
  await cluster.waitUntilServing(20_000);
  expect((await getJson<Counter>(`${url(2)}/counter`)).value).toBe(before.value + 1);
});
