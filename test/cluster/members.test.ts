/** A cluster of real processes whose members come and go while clients count on it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as AbiFunction from "ox/AbiFunction";
import { expect, onTestFinished, test } from "vitest";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import type { ClusterOptions } from "../../scripts/cluster/context.ts";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { readRecord } from "../../scripts/cluster/record.ts";
import { membershipReader } from "../../scripts/setup/membership.ts";
import { openOutbox } from "../../scripts/setup/outbox.ts";
import { type Counter, getJson, increment, type Load, startLoad } from "../support/clients.ts";

type Status = {
  readonly role: string;
  readonly term: number;
  readonly leader: { readonly endpoint: string } | null;
  readonly members: number;
  readonly quorum: number;
};
type Row = { readonly endpoint: string; readonly role: string; readonly slot: number };

const basePort = 18_681;
const patience = { timeout: 30_000 };
const timeoutMs = 180_000;
/** A node leaves once the others' logs have gone on: by a mark at the latest, where nobody writes. */
const nodeEnvironment = { CHECKPOINT_MS: "200" };

const statusAt = (url: string) => getJson<Status>(`${url}/status`);
const counterAt = (url: string) => getJson<Counter>(`${url}/counter?consistency=linearizable`);

async function temporaryDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

/** Stopped when the test ends, if not before. */
async function start(
  dataDir: string,
  options: Omit<ClusterOptions, "dataDir"> = {},
): Promise<Cluster> {
  const cluster = await startCluster({ dataDir, basePort, ...options });
  onTestFinished(() => cluster.stop());
  return cluster;
}

function urlOf({ nodes }: Cluster, position: number): string {
  return nodes[position]?.url ?? "";
}

function urlsOf(cluster: Cluster): readonly string[] {
  return cluster.positions().map((position) => urlOf(cluster, position));
}

async function leaderPosition(cluster: Cluster): Promise<number> {
  const [first = ""] = urlsOf(cluster);
  await expect.poll(async () => (await statusAt(first)).leader, patience).not.toBeNull();
  const { leader } = await statusAt(first);
  return cluster.nodes.findIndex(({ url }) => url === leader?.endpoint);
}

/** Every member lists the same ones: one of them leads, and the others follow it. */
async function agreeOnMembers(cluster: Cluster): Promise<void> {
  const urls = urlsOf(cluster);
  const agreed = {
    urls: [...urls].sort(),
    roles: [...urls.slice(1).map(() => "follower"), "leader"],
    members: urls.length,
    quorum: Math.floor(urls.length / 2) + 1,
  };
  const seenBy = async (url: string) => {
    const rows = await getJson<readonly Row[]>(`${url}/members`);
    const { members, quorum } = await statusAt(url);
    const listed = rows.map(({ endpoint }) => endpoint).sort();
    return { urls: listed, roles: rows.map(({ role }) => role).sort(), members, quorum };
  };
  for (const url of urls) await expect.poll(() => seenBy(url), patience).toEqual(agreed);
}

async function revokeTokenOf(cluster: Cluster, position: number): Promise<void> {
  const { rpcUrl, deployment, layout } = cluster;
  const rpc = rpcEndpoint(rpcUrl, 0, 5_000);
  const { nodes = [] } = readRecord(layout.record) ?? {};
  const { contract } = deployment;
  const { tokenId } = await membershipReader(rpc, contract).node(nodes[position]?.wallet ?? "");
  const outbox = await openOutbox(rpc);
  const data = AbiFunction.encodeData(AbiFunction.fromAbi(membershipAbi, "revoke"), [tokenId]);
  await outbox.send("revoke a token", { to: contract, data });
  await outbox.settled(5_000);
}

async function acknowledges(load: Load, more: number): Promise<void> {
  const target = load.acknowledged() + more;
  await expect.poll(() => load.acknowledged(), patience).toBeGreaterThanOrEqual(target);
}

/** Each call added 1: none is missing and none counted twice if the answers are 1, 2, 3, … */
async function nothingLost(load: Load, cluster: Cluster): Promise<number> {
  const { acknowledged } = await load.stop();
  const values = acknowledged.map(({ value }) => value).sort((a, b) => a - b);
  expect(values).toEqual(acknowledged.map((_, before) => before + 1));
  for (const url of urlsOf(cluster)) {
    await expect.poll(async () => (await counterAt(url)).value).toBe(acknowledged.length);
  }
  return acknowledged.length;
}

async function goesOnWithTheseMembers(
  dataDir: string,
  positions: readonly number[],
  value: number,
): Promise<void> {
  const again = await start(dataDir);
  expect(again.positions()).toEqual(positions);
  await agreeOnMembers(again);
  for (const [before, url] of urlsOf(again).entries()) {
    expect((await increment(url)).value).toBe(value + before + 1);
  }
}

test(
  "under load it grows to five and shrinks by two, the leader one of them, and loses nothing",
  async () => {
    const dataDir = await temporaryDir();
    const cluster = await start(dataDir, { nodeCount: 3 });
    // Clients try every node that there ever was: those that left answer nobody.
    const urls = [...urlsOf(cluster)];
    const load = startLoad(urls, 6);

    for (const expected of [3, 4]) {
      await acknowledges(load, 50);
      const position = await cluster.join();
      expect(position).toBe(expected);
      expect((await statusAt(urlOf(cluster, position))).role).toMatch(/^(follower|leader)$/);
      urls.push(urlOf(cluster, position));
    }
    await agreeOnMembers(cluster);

    const leader = await leaderPosition(cluster);
    const other = [1, 2].find((position) => position !== leader) ?? 1;
    for (const position of [leader, other]) {
      await acknowledges(load, 50);
      await cluster.leave(position);
      expect(cluster.nodes[position]?.pid()).toBeNull();
    }
    await acknowledges(load, 50);
    const remaining = [0, 1, 2, 3, 4].filter((at) => at !== leader && at !== other);
    expect(cluster.positions()).toEqual(remaining);
    await agreeOnMembers(cluster);

    const value = await nothingLost(load, cluster);
    await cluster.stop();
    await goesOnWithTheseMembers(dataDir, remaining, value);
  },
  timeoutMs,
);

test(
  "a member that is dead for long is removed, and comes back as a new one",
  async () => {
    const cluster = await start(await temporaryDir(), {
      nodeCount: 3,
      nodeEnvironment: { REMOVE_AFTER_MS: "10000" },
    });
    const slots = async () => {
      const rows = await getJson<readonly Row[]>(`${urlOf(cluster, 0)}/members`);
      return rows.filter(({ role }) => role !== "pending").map(({ slot }) => slot);
    };
    const before = await slots();
    await increment(urlOf(cluster, 2));
    await cluster.kill(2, "SIGKILL");
    await expect.poll(async () => (await slots()).length, patience).toBe(2);
    expect((await increment(urlOf(cluster, 0))).value).toBe(2);
    await expect(cluster.leave(2)).rejects.toThrow(
      "node3 is not a member (the contract says: left)",
    );

    await cluster.restart(2);
    await cluster.waitUntilServing(30_000);
    await agreeOnMembers(cluster);
    // A slot that was freed stays unused for long: this is a registration of its own.
    expect((await slots()).filter((slot) => !before.includes(slot))).toHaveLength(1);
    expect((await increment(urlOf(cluster, 2))).value).toBe(3);
  },
  timeoutMs,
);

test(
  "a leave that would cost the others their quorum waits until it no longer does",
  async () => {
    const dataDir = await temporaryDir();
    const cluster = await start(dataDir, { nodeCount: 3, nodeEnvironment });
    await cluster.kill(1, "SIGKILL");
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);

    const tooEarly = cluster.leave(2, { tell, timeoutMs: 3_000 });

    await expect(tooEarly).rejects.toThrow(/a quorum without it is live, 2 of 2; not live: node2/);
    await expect(tooEarly).rejects.toThrow("the request stands on the chain");
    expect(lines.join("\n")).toContain("departing: asked for on the chain");
    expect((await increment(urlOf(cluster, 2))).value).toBe(1);

    await cluster.restart(1);
    await cluster.leave(2);
    expect(cluster.positions()).toEqual([0, 1]);
    await agreeOnMembers(cluster);
    // Nothing was written since: what they know of the removal is in their logs all the same.
    await cluster.stop();
    await goesOnWithTheseMembers(dataDir, [0, 1], 1);
  },
  timeoutMs,
);

test(
  "a departure under way goes on at the next start",
  async () => {
    const dataDir = await temporaryDir();
    const cluster = await start(dataDir, { nodeCount: 2, nodeEnvironment });
    await increment(urlOf(cluster, 1));
    await cluster.kill(1, "SIGKILL");
    await expect(cluster.leave(0, { timeoutMs: 1_000 })).rejects.toThrow("has not left after 1 s");
    await cluster.stop();

    const again = await start(dataDir, { nodeEnvironment });

    await expect.poll(() => again.positions(), patience).toEqual([1]);
    expect(again.nodes[0]?.pid()).toBeNull();
    await agreeOnMembers(again);
    expect((await increment(urlOf(again, 1))).value).toBe(2);
    await expect(again.leave(1)).rejects.toThrow("node2 is the last member");
  },
  timeoutMs,
);

test(
  "a stop in the middle of a departure costs the others nothing",
  async () => {
    const dataDir = await temporaryDir();
    const cluster = await start(dataDir, { nodeCount: 3 });
    const leaving = cluster.leave(2).catch(() => undefined);
    await expect.poll(async () => (await statusAt(urlOf(cluster, 0))).members, patience).toBe(2);
    await cluster.stop();
    await leaving;

    const again = await start(dataDir);
    await expect.poll(() => again.positions(), patience).toEqual([0, 1]);
    await agreeOnMembers(again);
    expect((await increment(urlOf(again, 1))).value).toBe(1);
  },
  timeoutMs,
);

test(
  "a start does not wait for a node whose token was revoked, and can forget it",
  async () => {
    const dataDir = await temporaryDir();
    const cluster = await start(dataDir, { nodeCount: 3 });
    await revokeTokenOf(cluster, 2);
    await expect.poll(async () => (await statusAt(urlOf(cluster, 0))).members, patience).toBe(2);
    const load = startLoad(urlsOf(cluster), 1);
    await acknowledges(load, 1);
    const { acknowledged } = await load.stop();
    await cluster.stop();

    const lines: string[] = [];
    const again = await start(dataDir, { report: (line) => lines.push(line) });
    expect(lines.join("\n")).toMatch(/node3 +revoked by the owner, .*leave -- 3 --forget/);
    expect((await increment(urlOf(again, 0))).value).toBe(acknowledged.length + 1);
    await expect(again.leave(2)).rejects.toThrow("(the contract says: revoked); --forget ends");

    await again.leave(2, { forget: true });
    expect(again.positions()).toEqual([0, 1]);
    expect(again.nodes[2]?.pid()).toBeNull();
  },
  timeoutMs,
);
