/**
 * A node among others whose own RPC endpoints lie or lag: it follows what a quorum of them says, and
 * says which one does not; and where too many lie, it alone is fooled.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { nodeName, rpcUrlOf } from "../../scripts/cluster/node.ts";
import { type Counter, getJson, increment, type Status, startLoad } from "../support/clients.ts";
import { type ClusterSaid, forging, freezing } from "../support/forgedCluster.ts";
import { type RpcProxy, startRpcProxy, type Tamper } from "../support/rpcProxy.ts";

type Seen = Status & { readonly chain: { readonly disagreeing: readonly string[] } };
type LogPage = { readonly entries: readonly { readonly index: number; readonly hash: string }[] };

const basePort = 18_981;
const patience = { timeout: 30_000, interval: 100 };
/** node3, the one with endpoints of its own; the others have the chain's. */
const own = 2;

let cluster: Cluster;
let dataDir: string;
let proxies: readonly RpcProxy[];
/** Of node3, when it starts next. */
let environment: Readonly<Record<string, string>>;

const url = (position: number): string => cluster.nodes[position]?.url ?? "";
const statusOf = (position: number) => getJson<Seen>(`${url(position)}/status`);
const nameOf = (proxy: number) => `rpc ${proxy + 1} (${new URL(urlOf(proxy)).host})`;
const urlOf = (proxy: number): string => proxies[proxy]?.url ?? "";

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(rpcUrlOf(basePort))));
  environment = { RPC_URLS: proxies.map((proxy) => proxy.url).join(","), RPC_QUORUM: "2" };
  cluster = await startCluster({
    dataDir,
    nodeCount: 3,
    basePort,
    adaptNode: (number, command) =>
      nodeName(number) === nodeName(own + 1)
        ? { ...command, env: { ...command.env, ...environment } }
        : command,
  });
});
beforeEach(async () => {
  // A leader is no follower of a false one.
  while ((await statusOf(own)).role === "leader") await restart(own);
});
afterEach(async () => {
  for (const proxy of proxies) proxy.tamper((_, answer) => answer());
  await mine();
  await cluster.waitUntilServing(30_000);
});
afterAll(async () => {
  await cluster?.stop();
  await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

const stranger = `0x${"5a".repeat(32)}` as const;

/** The same members, each under another boot. */
const rebooted = ({ members }: ClusterSaid) =>
  members.map((member) => ({ ...member, bootKey: stranger }));
const others = ({ members, leader }: ClusterSaid) => members.filter(({ slot }) => slot !== leader);

const lies: readonly {
  readonly about: string;
  readonly lie: (said: ClusterSaid) => ClusterSaid;
}[] = [
  {
    about: "another leader in a later term",
    lie: (said) => ({
      ...said,
      term: said.term + 1n,
      leader: others(said)[0]?.slot ?? said.leader,
    }),
  },
  { about: "a roster without its leader's rival", lie: (said) => withoutOne(said) },
  { about: "another boot of each member", lie: (said) => ({ ...said, members: rebooted(said) }) },
  { about: "a far later term", lie: (said) => ({ ...said, term: said.term + 1_000n }) },
  {
    about: "a cold start",
    lie: (said) => ({
      ...said,
      term: said.term + 1n,
      coldTerm: said.term + 1n,
      members: rebooted(said),
    }),
  },
];

function withoutOne(said: ClusterSaid): ClusterSaid {
  const gone = others(said).at(-1);
  return { ...said, members: said.members.filter((member) => member !== gone) };
}

test.each(lies)("an endpoint that tells of $about is outvoted, and named", async ({ lie }) => {
  const before = await statusOf(0);
  await tamper([0], forging(lie));

  await expect.poll(disagreeing, patience).toEqual([nameOf(0)]);
  const written = await Promise.all([increment(url(own)), increment(url(0))]);
  for (const { term } of written) expect(term).toBe(before.term);
  expect(await statusOf(own)).toMatchObject({ term: before.term, leader: before.leader });

  expect(await disagreementsCounted(0)).toBeGreaterThanOrEqual(1);
  expect(await readFile(cluster.nodes[own]?.logFile ?? "", "utf8")).toContain(
    `"endpoint":"${nameOf(0)}","says":`,
  );
  await tamper([0], (_, answer) => answer());
  await expect.poll(disagreeing, patience).toEqual([]);
});

test("an endpoint that stays behind does not keep the node from following the next leader", async () => {
  const before = await statusOf(0);
  await tamper([1], await freezing(cluster.rpcUrl));
  expect(await disagreeing()).toEqual([]);
  const leading = cluster.nodes.findIndex((node) => node.url === before.leader?.endpoint);
  await restart(leading);

  await expect.poll(async () => (await statusOf(own)).term, patience).toBeGreaterThan(before.term);
  await expect.poll(disagreeing, patience).toEqual([nameOf(1)]);
  const { term } = await increment(url(own));
  expect(term).toBeGreaterThan(before.term);
});

test("where two of three endpoints lie, nobody else follows, and nothing acknowledged is lost", async () => {
  const start = await increment(url(0));
  const load = startLoad([url(0), url(1)], 4);
  const { slot } = (await statusOf(own)).node;
  const crowned = (said: ClusterSaid): ClusterSaid => ({
    ...said,
    term: said.term + 1n,
    leader: slot ?? 0,
  });
  await tamper([0, 1], forging(crowned));
  await expect.poll(async () => (await statusOf(own)).term, patience).toBeGreaterThan(start.term);
  await expect.poll(disagreeing, patience).toEqual([nameOf(2)]);

  const atLie = load.acknowledged();
  await expect.poll(load.acknowledged, patience).toBeGreaterThan(atLie + 20);
  expect((await statusOf(own)).role).not.toBe("leader");
  for (const position of [0, 1]) {
    expect((await statusOf(position)).leader?.slot).not.toBe(slot);
  }
  await tamper([0, 1], (_, answer) => answer());
  await cluster.waitUntilServing(30_000);
  const { acknowledged } = await load.stop();
  await expect.poll(valueAt, patience).toBe(start.value + acknowledged.length);
});

test("a node that believes its only endpoint is fooled alone, and commits nothing", async () => {
  environment = { RPC_URLS: urlOf(0), RPC_QUORUM: "1" };
  await restart(own);
  const start = await increment(url(own));
  const load = startLoad([url(0), url(1)], 4);
  const { slot } = (await statusOf(own)).node;
  const alone = (said: ClusterSaid): ClusterSaid => ({
    ...said,
    term: said.term + 1n,
    leader: slot ?? 0,
    members: said.members.filter((member) => member.slot === slot),
  });
  await tamper([0], forging(alone));
  await expect.poll(async () => (await statusOf(own)).term, patience).toBeGreaterThan(start.term);

  await expect(increment(url(own))).rejects.toThrow(/503.*no active leader|503.*leader/s);
  const atLie = load.acknowledged();
  await expect.poll(load.acknowledged, patience).toBeGreaterThan(atLie + 20);
  const fooled = await statusOf(own);
  expect(fooled.role).not.toBe("leader");
  // What it holds as committed is what the others committed.
  expect(await hashAt(own, fooled.commitIndex)).toBe(await hashAt(0, fooled.commitIndex));

  await tamper([0], (_, answer) => answer());
  await cluster.waitUntilServing(30_000);
  const { acknowledged } = await load.stop();
  await expect.poll(valueAt, patience).toBe(start.value + acknowledged.length);
});

async function disagreeing(): Promise<readonly string[]> {
  return (await statusOf(own)).chain.disagreeing;
}

/** Linearizable: rejects while the leader changes for the sake of this node. */
async function valueAt(): Promise<number> {
  return (await getJson<Counter>(`${url(own)}/counter`)).value;
}

async function disagreementsCounted(proxy: number): Promise<number> {
  const metrics = await (await fetch(`${url(own)}/metrics`)).text();
  const labels = `endpoint="${nameOf(proxy)}"`;
  const line = metrics.split("\n").find((one) => one.includes(`disagreements_total{${labels}}`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

async function hashAt(position: number, index: number): Promise<string | undefined> {
  const page = await getJson<LogPage>(`${url(position)}/log?from=${index}&limit=1`);
  return page.entries[0]?.hash;
}

async function tamper(which: readonly number[], how: Tamper): Promise<void> {
  for (const proxy of which) proxies[proxy]?.tamper(how);
  await mine();
}

/** Nodes read each block once: a change of what endpoints say shows with the next. */
async function mine(): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "evm_mine", params: [] });
  const headers = { "content-type": "application/json" };
  await fetch(cluster.rpcUrl, { method: "POST", headers, body });
}

async function restart(position: number): Promise<void> {
  await cluster.kill(position, "SIGTERM");
  await cluster.restart(position);
  await cluster.waitUntilServing(30_000);
}
