import { afterEach, expect, test } from "vitest";
import type { ChainOptions, ClusterChain } from "../../../node/src/chain/chain.ts";
import { recordingCount, recordingLog } from "../../support/recorders.ts";
import { type RpcCall, type RpcProxy, startRpcProxy, type Tamper } from "../../support/rpcProxy.ts";
import { startWorld, type World } from "./nodes.ts";

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Term 1 has begun in the newest block. */
async function worldInTerm1(): Promise<World> {
  const world = await startWorld({ nodes: 2, genesisSize: 2 });
  stops.push(() => world.stop());
  await world.register(0);
  await world.register(1);
  return world;
}

async function proxyOf(world: World): Promise<RpcProxy> {
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  return proxy;
}

async function open(world: World, changes: Partial<ChainOptions> = {}) {
  const { log, lines } = recordingLog();
  const counts = recordingCount();
  const options = { confirmations: 3, log, count: counts.count, callTimeoutMs: 500, ...changes };
  return { chain: await world.chain(0, options), lines, counts };
}

const mine = (world: World, blocks = 1) =>
  world.anvil.rpc("anvil_mine", [`0x${blocks.toString(16)}`]);

async function settledBlock(chain: ClusterChain) {
  const { view, block } = await chain.read();
  return { term: view.term, settled: view.settled, number: Number(block.number) };
}

/** Questions about an older block name it by its number; those about the newest, by its hash. */
const isAboutOlder = ({ method, params }: RpcCall) =>
  method === "eth_call" && typeof params[1] === "string";

const prunes: Tamper = (call, answer) =>
  isAboutOlder(call)
    ? Promise.resolve(
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"missing trie node"}}',
      )
    : answer();

test("a term is settled from the block on that is its third, where three are asked for", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  const started = Number((await chain.read()).block.number);
  const seen = [await settledBlock(chain)];
  for (const _ of [1, 2, 3]) {
    await mine(world);
    seen.push(await settledBlock(chain));
  }
  expect(seen).toEqual([
    { term: 1, settled: false, number: started },
    { term: 1, settled: false, number: started + 1 },
    { term: 1, settled: true, number: started + 2 },
    { term: 1, settled: true, number: started + 3 },
  ]);
});

test("a node that starts late finds a term settled by asking, not by waiting", async () => {
  const world = await worldInTerm1();
  await mine(world, 2);
  expect((await (await open(world)).chain.read()).view.settled).toBe(true);
});

test("where one block is enough, every term is settled at once, and nothing is asked", async () => {
  const world = await worldInTerm1();
  const proxy = await proxyOf(world);
  const { chain } = await open(world, { rpcUrls: [proxy.url], confirmations: 1 });

  expect((await chain.read()).view.settled).toBe(true);
  expect(proxy.calls.filter(isAboutOlder)).toEqual([]);
});

test("before the chain has that many blocks, nothing is settled", async () => {
  const world = await worldInTerm1();
  const { chain, lines } = await open(world, { confirmations: 1_000 });
  expect((await chain.read()).view.settled).toBe(false);
  expect(lines).toEqual([]);
});

test("where the contract was not deployed yet, nothing is settled, and nothing is odd", async () => {
  const world = await worldInTerm1();
  const blocks = Number((await (await open(world)).chain.read()).block.number);
  const { chain, lines } = await open(world, { confirmations: blocks + 1 });
  expect((await chain.read()).view.settled).toBe(false);
  expect(lines).toEqual([]);
});

test("a new term is not settled though the one before it was", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  await mine(world, 2);
  const { view, members } = await chain.read();
  expect(view.settled).toBe(true);

  const [leader, other] = members;
  const own = world.enclaves.findIndex(({ wallet }) => wallet.address === leader?.id);
  await (await world.chain(own)).handOver({ term: view.term, successorSlot: other?.slot ?? -1 });
  expect(await settledBlock(chain)).toMatchObject({ term: 2, settled: false });
  await mine(world, 2);
  expect(await settledBlock(chain)).toMatchObject({ term: 2, settled: true });
});

test("a registration in term 1 unsettles nothing; it is no part of the roster", async () => {
  const world = await startWorld({ nodes: 2, genesisSize: 1 });
  stops.push(() => world.stop());
  await world.register(0);
  await mine(world, 2);
  const { chain } = await open(world);
  expect((await chain.read()).view.settled).toBe(true);

  await world.register(1);
  const { view } = await chain.read();
  expect(view.pending).toHaveLength(1);
  expect(view.settled).toBe(true);
});

test("a settled term is asked about no more, and an unsettled one once a block", async () => {
  const world = await worldInTerm1();
  const proxy = await proxyOf(world);
  const { chain } = await open(world, { rpcUrls: [proxy.url] });
  const asked = () => proxy.calls.filter(isAboutOlder).length;
  for (const _ of [1, 2, 3]) await Promise.all([chain.read(), chain.read()]);
  expect(asked()).toBe(1);

  await mine(world);
  await chain.read();
  await mine(world);
  expect((await chain.read()).view.settled).toBe(true);
  expect(asked()).toBe(3);
  for (const _ of [1, 2, 3]) {
    await mine(world);
    expect((await chain.read()).view.settled).toBe(true);
  }
  expect(asked()).toBe(3);
});

test("the same block gives the very same view, settled or not", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  expect(await chain.read()).toBe(await chain.read());
  await mine(world, 2);
  expect(await chain.read()).toBe(await chain.read());
});

test("a chain that goes back behind a term's third block unsettles it", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  await mine(world, 2);
  expect(await settledBlock(chain)).toMatchObject({ term: 1, settled: true });

  await world.anvil.rpc("anvil_rollback", [1]);
  expect(await settledBlock(chain)).toMatchObject({ term: 1, settled: false });
});

test("a branch on which the same term began later unsettles it, though it is no shorter", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  const started = await chain.read();
  const hash = (
    await world.anvil.rpc<{ transactions: readonly string[] }>("eth_getBlockByNumber", [
      `0x${started.block.number.toString(16)}`,
      false,
    ])
  ).transactions[0];
  const raw = await world.anvil.rpc<string>("eth_getRawTransactionByHash", [hash]);
  await mine(world, 3);
  const before = await settledBlock(chain);
  expect(before).toMatchObject({ term: 1, settled: true });

  // Four blocks are replaced by four empty ones, and the registration comes in a fifth.
  await world.anvil.rpc("anvil_reorg", [4, []]);
  await world.anvil.rpc("eth_sendRawTransaction", [raw]);
  expect(await settledBlock(chain)).toEqual({
    term: 1,
    settled: false,
    number: before.number + 1,
  });
  expect((await chain.read()).view.roster.hash).toBe(started.view.roster.hash);
  await mine(world, 2);
  expect(await settledBlock(chain)).toMatchObject({ term: 1, settled: true });
});

test("a reorganisation that leaves the term's own block alone leaves it settled", async () => {
  const world = await worldInTerm1();
  const { chain } = await open(world);
  await mine(world, 4);
  expect((await chain.read()).view.settled).toBe(true);
  const { block } = await chain.read();

  await world.anvil.rpc("anvil_reorg", [2, []]);
  const after = await chain.read();
  expect(after.block.hash).not.toBe(block.hash);
  expect(after.view.settled).toBe(true);
});

test("an endpoint that keeps no old state settles nothing, and is named once", async () => {
  const world = await worldInTerm1();
  const proxy = await proxyOf(world);
  proxy.tamper(prunes);
  const { chain, lines } = await open(world, { rpcUrls: [proxy.url] });
  for (const _ of [1, 2, 3]) {
    await mine(world);
    expect((await chain.read()).view).toMatchObject({ term: 1, settled: false });
  }
  expect(lines).toEqual([
    {
      level: "warn",
      sentence: "the endpoint cannot say what the contract showed some blocks ago",
      fields: {
        endpoint: expect.stringMatching(/^rpc 1 /),
        reason: "missing trie node",
        confirmations: 3,
      },
    },
  ]);

  proxy.tamper((_, answer) => answer());
  await mine(world);
  expect((await chain.read()).view.settled).toBe(true);
});

test("an endpoint without old state does not stop a quorum of others from settling", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2, 3].map(() => proxyOf(world)));
  proxies[0]?.tamper(prunes);
  await mine(world, 2);
  const { chain } = await open(world, { rpcUrls: proxies.map(({ url }) => url), rpcQuorum: 2 });
  expect((await chain.read()).view.settled).toBe(true);
});

test("one endpoint alone cannot make a node that asks for two take a term for settled", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2].map(() => proxyOf(world)));
  const { chain, lines, counts } = await open(world, {
    rpcUrls: proxies.map(({ url }) => url),
    rpcQuorum: 2,
  });
  // It answers about the newest block whatever it is asked.
  proxies[0]?.tamper(async (call, answer) =>
    isAboutOlder(call)
      ? JSON.stringify({ result: await world.anvil.rpc("eth_call", [call.params[0], "latest"]) })
      : await answer(),
  );
  await mine(world);
  expect((await chain.read()).view).toMatchObject({ term: 1, settled: false });
  expect(counts.of("chain_disagreements_total")).toBe(0);
  expect(lines).toEqual([]);
});

test("endpoints one block apart do not disagree about what is settled", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2].map(() => proxyOf(world)));
  await mine(world);
  const lagging = await world.anvil.rpc("eth_getBlockByNumber", ["latest", false]);
  await mine(world);
  proxies[0]?.tamper(async ({ method, params }, answer) =>
    method === "eth_getBlockByNumber" && params[0] === "latest"
      ? JSON.stringify({ result: lagging })
      : await answer(),
  );
  const { chain, lines, counts } = await open(world, {
    rpcUrls: proxies.map(({ url }) => url),
    rpcQuorum: 2,
  });
  for (const _ of [1, 2, 3]) expect((await chain.read()).view.term).toBe(1);
  expect(counts.of("chain_disagreements_total")).toBe(0);
  expect(lines).toEqual([]);
});
