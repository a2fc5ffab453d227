/** A real cluster: anvil, the simulator and three node processes, and what becomes of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import {
  type Counter,
  getJson,
  increment,
  type Load,
  type Status,
  startLoad,
} from "../support/clients.ts";

let cluster: Cluster;
let dataDir: string;
const urls = () => cluster.nodes.map(({ url }) => url);
const positions = [0, 1, 2] as const;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  cluster = await startCluster({ dataDir, nodeCount: 3, basePort: 18_181 });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test("every node takes an increment, and every node reads them all", async () => {
  const before = await read(0);
  for (const url of urls()) await increment(url, { by: 2 });
  for (const position of positions) expect((await read(position)).value).toBe(before.value + 6);
});

test("a repeated Idempotency-Key gets the first answer, at every node", async () => {
  const first = await increment(url(0), { key: "the-same", by: 5 });
  const again = await Promise.all(urls().map((at) => increment(at, { key: "the-same", by: 5 })));
  for (const answer of again) {
    expect([answer.value, answer.term, answer.index]).toEqual([
      first.value,
      first.term,
      first.index,
    ]);
  }
  expect((await read(1)).value).toBe(first.value);
});

test("after kill -9 of the leader under load nothing is lost and nothing applied twice", async () => {
  const before = await read(0);
  const { term } = await status(0);
  const load = startLoad(urls(), 8);
  await acknowledges(load, 50);
  const leader = await leaderPosition();
  await cluster.kill(leader, "SIGKILL");
  await acknowledges(load, 50);
  await expectCount(load, before);

  const survivors = positions.filter((position) => position !== leader);
  const after = await status(survivors[0] ?? 0);
  expect(after.term).toBeGreaterThan(term);
  await cluster.restart(leader);
  await cluster.waitUntilServing(20_000);
  await catchesUp(leader);
});

test("the cluster writes on while the chain is stopped", async () => {
  const before = await read(0);
  await cluster.stopChain();
  const load = startLoad(urls(), 4);
  await acknowledges(load, 200);
  await expectCount(load, before);
  await cluster.startChain();
});

test("a follower that was stopped for 10 s catches up", async () => {
  const before = await read(0);
  const leader = await leaderPosition();
  const follower = positions.find((position) => position !== leader) ?? 0;
  const others = urls().filter((_, position) => position !== follower);
  await cluster.kill(follower, "SIGSTOP");
  const load = startLoad(others, 4);
  await passes(10_000);
  await cluster.kill(follower, "SIGCONT");
  await expectCount(load, before);
  await catchesUp(follower);
});

test("a restart of all three keeps the value", async () => {
  const before = await read(0);
  await Promise.all(positions.map((position) => cluster.kill(position, "SIGKILL")));
  await Promise.all(positions.map((position) => cluster.restart(position)));
  await cluster.waitUntilServing(30_000);
  for (const position of positions) expect((await read(position)).value).toBe(before.value);
  expect((await increment(url(2))).value).toBe(before.value + 1);
});

const url = (position: number): string => cluster.nodes[position]?.url ?? "";
const read = (position: number) => getJson<Counter>(`${url(position)}/counter`);
const status = (position: number) => getJson<Status>(`${url(position)}/status`);

async function leaderPosition(): Promise<number> {
  let found = -1;
  await expect
    .poll(
      async () => {
        const roles = await Promise.all(positions.map(roleOf));
        found = roles.indexOf("leader");
        return found;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThanOrEqual(0);
  return found;
}

/** A node that does not run has no role. */
async function roleOf(position: number): Promise<string | null> {
  try {
    return (await status(position)).role;
  } catch {
    return null;
  }
}

/** Until `more` calls have been acknowledged from here on. */
async function acknowledges(load: Load, more: number): Promise<void> {
  const target = load.acknowledged() + more;
  await expect.poll(() => load.acknowledged(), { timeout: 30_000 }).toBeGreaterThanOrEqual(target);
}

async function expectCount(load: Load, before: Counter): Promise<void> {
  const { acknowledged } = await load.stop();
  const values = acknowledged.map(({ value }) => value).sort((a, b) => a - b);
  const each = acknowledged.map((_, offset) => before.value + 1 + offset);
  expect(values).toEqual(each);
  const reader = await leaderPosition();
  expect((await read(reader)).value).toBe(before.value + acknowledged.length);
}

async function catchesUp(position: number): Promise<void> {
  const leader = await status(await leaderPosition());
  await expect
    .poll(async () => (await status(position)).appliedIndex, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(leader.commitIndex);
}

/** Real time is what this scenario is about: a process stopped for so long. */
async function passes(ms: number): Promise<void> {
  const end = performance.now() + ms;
  await expect.poll(() => performance.now(), { timeout: ms + 5_000 }).toBeGreaterThan(end);
}
