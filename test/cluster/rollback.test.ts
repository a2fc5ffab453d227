/** All hosts bring back old disks at once: the last anchor on the chain gives them away. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { type Counter, getJson, increment, type Status } from "../support/clients.ts";

let cluster: Cluster;
let dataDir: string;
let copies: string;
const positions = [0, 1, 2] as const;
const patience = { timeout: 30_000 };
const url = (position: number): string => cluster.nodes[position]?.url ?? "";
const disk = (position: number): string => cluster.nodes[position]?.dataDir ?? "";

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  copies = await mkdtemp(join(tmpdir(), "dstack-cluster-copies-"));
  cluster = await startCluster({
    dataDir,
    nodeCount: 3,
    basePort: 18_881,
    nodeEnvironment: { CHECKPOINT_MS: "200", ANCHOR_EVERY_MS: "1000" },
  });
});

afterAll(async () => {
  await cluster?.stop();
  for (const folder of [dataDir, copies]) await rm(folder, { recursive: true, force: true });
});

type Anchored = Status & {
  readonly lastIndex: number;
  readonly anchor: { readonly index: number } | null;
  readonly waitingFor?: string;
};

test("a rollback of all disks behind the last anchor is refused, and one good disk mends it", async () => {
  await increment(url(0), { by: 5 });
  await killAll();
  for (const position of positions) await cp(disk(position), copy("old", position), recursive);
  await startAll();
  await cluster.waitUntilServing(30_000);

  const { lastIndex } = await status(0);
  for (let count = 0; count < 20; count += 1) await increment(url(1));
  await expect.poll(anchoredIndex, patience).toBeGreaterThan(lastIndex + 20);
  await killAll();
  for (const position of positions) {
    await cp(disk(position), copy("new", position), recursive);
    await replaceDisk(position, "old");
  }
  await startAll();
  await expect.poll(refusals, patience).toHaveLength(1);
  const [refusal = ""] = await refusals();
  expect(refusal).toContain(`anchor at index ${await anchoredIndex()} `);
  const [, missing = "0"] = /(\d+) entries/.exec(refusal) ?? [];
  expect(Number(missing)).toBeGreaterThanOrEqual(20);
  for (const position of positions) await expect(increment(url(position))).rejects.toThrow("503");

  await killAll();
  await replaceDisk(1, "new");
  await startAll();
  await cluster.waitUntilServing(60_000);
  for (const position of positions) {
    expect((await getJson<Counter>(`${url(position)}/counter`)).value).toBe(25);
  }
});

const recursive = { recursive: true };
const copy = (age: "old" | "new", position: number) => join(copies, `${age}${position}`);
const killAll = () => Promise.all(positions.map((position) => cluster.kill(position, "SIGKILL")));
const startAll = () => Promise.all(positions.map((position) => cluster.restart(position)));
const status = (position: number) => getJson<Anchored>(`${url(position)}/status`);
const anchoredIndex = async () => (await status(0)).anchor?.index ?? 0;

async function replaceDisk(position: number, age: "old" | "new"): Promise<void> {
  await rm(disk(position), { recursive: true });
  await cp(copy(age, position), disk(position), recursive);
}

/** What the members say that they wait for, where that is about a rollback: one leads, and says so. */
async function refusals(): Promise<readonly string[]> {
  const said = await Promise.allSettled(positions.map(status));
  return said
    .flatMap((one) => (one.status === "fulfilled" ? [one.value.waitingFor ?? ""] : []))
    .filter((text) => text.includes("rollback"));
}
