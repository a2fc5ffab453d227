/** Chains whose terms have few blocks yet: what the tests of settlement share. */
import { afterEach } from "vitest";
import type { ChainOptions, ClusterChain } from "../../../node/src/chain/chain.ts";
import { recordingCount, recordingLog } from "../../support/recorders.ts";
import { type RpcCall, type RpcProxy, startRpcProxy, type Tamper } from "../../support/rpcProxy.ts";
import { startWorld, type World } from "./nodes.ts";

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Stopped after the test. */
export async function worldOf(...options: Parameters<typeof startWorld>): Promise<World> {
  const world = await startWorld(...options);
  stops.push(() => world.stop());
  return world;
}

/** Term 1 has begun in the newest block. */
export async function worldInTerm1(): Promise<World> {
  const world = await worldOf({ nodes: 2, genesisSize: 2 });
  await world.register(0);
  await world.register(1);
  return world;
}

export async function proxyOf(world: World): Promise<RpcProxy> {
  const proxy = await startRpcProxy(world.anvil.url);
  stops.push(() => proxy.stop());
  return proxy;
}

export async function open(world: World, changes: Partial<ChainOptions> = {}) {
  const { log, lines } = recordingLog();
  const counts = recordingCount();
  const options = { confirmations: 3, log, count: counts.count, callTimeoutMs: 500, ...changes };
  return { chain: await world.chain(0, options), lines, counts };
}

export const mine = (world: World, blocks = 1) =>
  world.anvil.rpc("anvil_mine", [`0x${blocks.toString(16)}`]);

export async function settledBlock(chain: ClusterChain) {
  const { view, block } = await chain.read();
  return { term: view.term, settled: view.settled, number: Number(block.number) };
}

export async function handOver(world: World): Promise<void> {
  const { view, members } = await (await world.chain(0)).read();
  const own = world.enclaves.findIndex(({ wallet }) => wallet.address === view.leader);
  const successorSlot = members.find(({ id }) => id !== view.leader)?.slot ?? -1;
  await (await world.chain(own)).handOver({ term: view.term, successorSlot });
}

/** The endpoint goes on, but takes what is now the newest block for the newest for ever. */
export async function stopsHere(world: World): Promise<Tamper> {
  const newest = await world.anvil.rpc("eth_getBlockByNumber", ["latest", false]);
  return async ({ method, params }, answer) =>
    method === "eth_getBlockByNumber" && params[0] === "latest"
      ? JSON.stringify({ result: newest })
      : await answer();
}

/** Questions about an older block name it by its number; those about the newest, by its hash. */
export const isAboutOlder = ({ method, params }: RpcCall) =>
  method === "eth_call" && typeof params[1] === "string";

export const prunes: Tamper = (call, answer) =>
  isAboutOlder(call)
    ? Promise.resolve(
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"missing trie node"}}',
      )
    : answer();
