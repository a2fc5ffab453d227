import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { watchChain } from "../../../node/src/chain/watch.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { ChainView } from "../../../node/src/runtime/ports.ts";
import { startAnvil } from "../../support/anvil.ts";
import { freePort } from "../../support/processes.ts";
import { recordingLog } from "../../support/recorders.ts";
import { startRpcProxy } from "../../support/rpcProxy.ts";
import { bootKeyOf, startWorld, type World } from "./nodes.ts";

const quoteHash = `0x${"9a".repeat(32)}`;
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function worldOf(...options: Parameters<typeof startWorld>): Promise<World> {
  const world = await startWorld(...options);
  stops.push(() => world.stop());
  return world;
}

async function faultOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  return error instanceof ClusterError ? error.fault : error;
}

function watch(chain: Parameters<typeof watchChain>[0]["chain"], pollMs: number) {
  const views: ChainView[] = [];
  const faults: string[] = [];
  const stop = new AbortController();
  const watched = watchChain({
    chain,
    pollMs,
    onView: (view) => views.push(view),
    onError: ({ fault }) => faults.push(fault.code),
    signal: stop.signal,
  });
  stops.push(async () => {
    stop.abort();
    await watched.ended;
  });
  return { views, faults, watched };
}

test("a watcher sees what the contract decides, and survives the chain's being away", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anvil-"));
  stops.push(() => rm(folder, { recursive: true }));
  const stateFile = join(folder, "state.json");
  const world = await worldOf({ nodes: 1, genesisSize: 1 }, { stateFile });
  const { views, faults } = watch(await world.chain(0), 20);
  await eventually(() => views.at(-1)?.view.term).toBe(0);
  const own = await world.register(0);
  await eventually(() => views.at(-1)?.view.term).toBe(1);

  await world.anvil.stop();
  await eventually(() => faults.length).toBeGreaterThan(1);
  expect(new Set(faults)).toEqual(new Set(["chain.unreachable"]));
  expect(await faultOf(own.announceBoot(bootKeyOf(0), quoteHash))).toMatchObject({
    code: "chain.unreachable",
  });

  const seen = views.length;
  const again = await startAnvil({ port: world.anvil.port, stateFile });
  stops.push(() => again.stop("SIGKILL"));
  await eventually(() => views.length).toBeGreaterThan(seen);
  expect(views.at(-1)?.view.term).toBe(1);
  await own.announceBoot(bootKeyOf(0), quoteHash);
});

test("an idle chain costs one call a poll, and gives the same view again", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  const chain = await world.chain(0, { rpcUrls: [proxy.url] });
  const callsBefore = proxy.calls.length;
  const { views } = watch(chain, 10);
  await eventually(() => views.length).toBeGreaterThan(3);

  expect(new Set(views).size).toBe(1);
  const methods = proxy.calls.slice(callsBefore).map(({ method }) => method);
  expect(new Set(methods)).toEqual(new Set(["eth_getBlockByNumber"]));
});

test("a refresh reads at once, however long the polls are apart", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const { views, watched } = watch(await world.chain(0), 3_600_000);
  await eventually(() => views.length).toBe(1);
  await world.register(0);
  watched.refresh();
  await eventually(() => views.at(-1)?.view.term).toBe(1);
});

test("a refresh during a read leads to another one: the first may have begun too early", async () => {
  const pending: ((view: ChainView) => void)[] = [];
  const chain = { read: () => new Promise<ChainView>((resolve) => pending.push(resolve)) };
  const { views, watched } = watch(chain, 3_600_000);
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const view = await (await world.chain(0)).read();

  watched.refresh();
  expect(pending).toHaveLength(1);
  pending[0]?.(view);
  await eventually(() => pending.length).toBe(2);
  pending[1]?.(view);
  await eventually(() => views.length).toBe(2);
});

test("a reorganisation that takes a registration back is seen, at the same height too", async () => {
  const world = await worldOf({ nodes: 2, genesisSize: 2 });
  const own = await world.register(0);
  await world.register(1);
  const before = await own.read();
  expect(before.view.term).toBe(1);

  await world.anvil.rpc("anvil_reorg", [1, []]);
  const after = await own.read();
  expect(after.block.number).toBe(before.block.number);
  expect(after.block.hash).not.toBe(before.block.hash);
  expect(after.view).toMatchObject({ term: 0, leader: null });
  expect(after.members).toHaveLength(1);
  expect((await own.blockAt(before.block.number))?.hash).toBe(after.block.hash);
});

test("where blocks come by the clock, a transaction resolves with its block", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 }, { blockTime: 1 });
  const own = await world.register(0);
  expect((await own.read()).view.term).toBe(1);
  const both = [1, 2].map(() => own.announceBoot(bootKeyOf(0), quoteHash));
  await expect(Promise.all(both)).resolves.toHaveLength(2);
});

test("what is not mined in time is said to be so, and replaced by the next call", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 }, { blockTime: 3_600 });
  const patient = await world.chain(0);
  const { wallet, instanceId } = world.enclaves[0] ?? unreachable();
  const registering = patient.register(1n, {
    instanceId,
    bootKey: bootKeyOf(0),
    quoteHash,
    endpoint: "http://127.0.0.1:8081",
    peerEndpoint: "127.0.0.1:9081",
  });
  await transactionsInPool(world, 1);
  await world.anvil.rpc("evm_mine");
  await registering;

  const hasty = await world.chain(0, { minedTimeoutMs: 50 });
  const late = hasty.announceBoot(bootKeyOf(0), quoteHash);
  expect(await faultOf(late)).toMatchObject({ code: "chain.notMined", call: "announceBoot" });
  await faultOf(hasty.announceBoot(bootKeyOf(0), `0x${"9b".repeat(32)}`));
  await transactionsInPool(world, 1);
  await world.anvil.rpc("evm_mine");
  expect(await world.anvil.rpc("eth_getTransactionCount", [wallet.address, "latest"])).toBe("0x2");
  await transactionsInPool(world, 0);
});

test("an endpoint that has not seen a transaction does not get its nonce used twice", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  await world.register(0);
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  const counted = await world.anvil.rpc("eth_getTransactionCount", [
    world.enclaves[0]?.wallet.address,
    "latest",
  ]);
  proxy.tamper(async ({ method }, answer) =>
    method === "eth_getTransactionCount" ? JSON.stringify({ result: counted }) : await answer(),
  );
  const own = await world.chain(0, { rpcUrls: [proxy.url] });
  await world.anvil.rpc("evm_setAutomine", [false]);

  const both = [1, 2].map(() => own.announceBoot(bootKeyOf(0), quoteHash));
  await transactionsInPool(world, 2);
  await world.anvil.rpc("evm_mine");
  await expect(Promise.all(both)).resolves.toHaveLength(2);
});

test("a race that is lost between simulation and block is told with the contract's reason", async () => {
  const world = await worldOf({ nodes: 2, genesisSize: 2 });
  await world.register(0);
  await world.register(1);
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  proxy.tamper(async ({ method }, answer) => {
    if (method === "eth_sendRawTransaction") await released;
    return await answer();
  });
  const { view, members } = await (await world.chain(0)).read();
  const leader = world.enclaves.findIndex(({ wallet }) => wallet.address === view.leader);
  const slow = await world.chain(1 - leader, { rpcUrls: [proxy.url] });
  const other = members.find(({ id }) => id !== view.leader) ?? unreachable();
  const change = { term: view.term, successorSlot: other.slot };

  const vote = faultOf(slow.castVote({ ...change, noConfidence: true }));
  await eventually(() => proxy.calls.at(-1)?.method).toBe("eth_sendRawTransaction");
  await (await world.chain(leader)).handOver(change);
  release();
  expect(await vote).toEqual({
    code: "chain.reverted",
    call: "castVote",
    error: "StaleTerm(1, 2)",
  });
});

test("at the start a node waits for the chain, and says so", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const port = await freePort();
  const waited: string[] = [];
  const { log, lines } = recordingLog();
  const stop = new AbortController();
  const opening = world.chain(0, {
    rpcUrls: [`http://user:secret@127.0.0.1:${port}/v3/key`],
    log,
    signal: stop.signal,
    onWaiting(reason) {
      waited.push(reason);
      if (waited.length === 2) stop.abort(new Error("seen enough"));
    },
  });

  await expect(opening).rejects.toThrow("seen enough");
  expect(waited[0]).toContain("ECONNREFUSED");
  expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  expect(JSON.stringify([waited, lines])).not.toMatch(/secret|v3/);
});

test("an address without the contract is a clear fault at the start", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const contract = `0x${"12".repeat(20)}`;
  expect(await faultOf(world.chain(0, { contract }))).toEqual({
    code: "chain.wrongContract",
    contract,
    reason: "no code lies at that address, on chain 31337",
  });
});

test("another contract at the address is a clear fault at the start", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  const revertsAlways = "0x5f5ffd";
  const contract = `0x${"34".repeat(20)}`;
  await world.anvil.rpc("anvil_setCode", [contract, revertsAlways]);
  expect(await faultOf(world.chain(0, { contract }))).toMatchObject({
    code: "chain.wrongContract",
    reason: "it refuses cluster(), on chain 31337",
  });
});

async function transactionsInPool(world: World, expected: number): Promise<void> {
  await eventually(async () =>
    Number((await world.anvil.rpc<{ pending: string }>("txpool_status")).pending),
  ).toBe(expected);
}

/** Longer than a busy machine needs; a test that waits in vain fails by it. */
function eventually<T>(value: () => T) {
  return expect.poll(value, { timeout: 15_000, interval: 10 });
}

function unreachable(): never {
  throw new Error("the world of this test has no such part");
}

test("an endpoint whose numbers fit nothing is no endpoint, and what it says is cut short", async () => {
  const world = await worldOf({ nodes: 1, genesisSize: 1 });
  await world.register(0);
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  const chain = await world.chain(0, { rpcUrls: [proxy.url] });
  const announce = () => chain.announceBoot(bootKeyOf(0), quoteHash);

  const asked = ["eth_maxPriorityFeePerGas", "eth_getTransactionCount", "eth_estimateGas"];
  for (const method of asked) {
    for (const digits of [25, 64, 300]) {
      const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: `0x${"f".repeat(digits)}` });
      proxy.tamper(async (call, truth) => (call.method === method ? answer : await truth()));
      expect(await faultOf(announce())).toEqual({
        code: "chain.unreachable",
        reason: `the answer to ${method} cannot be read`,
      });
    }
  }
  const error = { code: 3, message: "m".repeat(100_000), data: `0x${"ab".repeat(50_000)}` };
  proxy.tamper(async () => JSON.stringify({ jsonrpc: "2.0", id: 1, error }));
  expect(JSON.stringify(await faultOf(announce())).length).toBeLessThan(1_000);
  proxy.tamper((_, truth) => truth());
  await announce();
});
