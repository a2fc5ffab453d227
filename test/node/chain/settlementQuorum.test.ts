import { expect, test } from "vitest";
import type { Tamper } from "../../support/rpcProxy.ts";
import type { World } from "./nodes.ts";
import {
  handOver,
  isAboutOlder,
  mine,
  open,
  proxyOf,
  prunes,
  stopsHere,
  worldInTerm1,
} from "./settling.ts";

test("an endpoint without old state does not stop a quorum of others from settling", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2, 3].map(() => proxyOf(world)));
  proxies[0]?.tamper(prunes);
  await mine(world, 2);
  const { chain } = await open(world, { rpcUrls: proxies.map(({ url }) => url), rpcQuorum: 2 });
  expect((await chain.read()).view.settled).toBe(true);
});

/** Answers about the newest block whatever block it is asked about. */
const showsNewest =
  (world: World): Tamper =>
  async (call, answer) =>
    isAboutOlder(call)
      ? JSON.stringify({ result: await world.anvil.rpc("eth_call", [call.params[0], "latest"]) })
      : await answer();

const countsBlocksAhead = (): Tamper => async (call, answer) => {
  if (call.method !== "eth_getBlockByNumber") return await answer();
  const { result } = JSON.parse(await answer()) as { result: { number: string } };
  return JSON.stringify({
    result: { ...result, number: `0x${(Number(result.number) + 2).toString(16)}` },
  });
};

test.each([
  ["answers about the newest block instead", showsNewest],
  ["gives its newest block too high a number", countsBlocksAhead],
])("one endpoint of the two that are needed settles nothing when it %s", async (_, tamper) => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2].map(() => proxyOf(world)));
  const { chain, lines, counts } = await open(world, {
    rpcUrls: proxies.map(({ url }) => url),
    rpcQuorum: 2,
  });
  proxies[0]?.tamper(tamper(world));
  await mine(world);
  expect((await chain.read()).view).toMatchObject({ term: 1, settled: false });
  expect(counts.of("chain_disagreements_total")).toBe(0);
  expect(lines).toEqual([]);
});

test("endpoints one block apart do not disagree: a term is settled once both find it so", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2].map(() => proxyOf(world)));
  await mine(world);
  proxies[0]?.tamper(await stopsHere(world));
  await mine(world);
  const { chain, lines, counts } = await open(world, {
    rpcUrls: proxies.map(({ url }) => url),
    rpcQuorum: 2,
  });
  for (const _ of [1, 2, 3]) {
    expect((await chain.read()).view).toMatchObject({ term: 1, settled: false });
  }
  proxies[0]?.tamper((_, answer) => answer());
  expect((await chain.read()).view).toMatchObject({ term: 1, settled: true });
  expect(counts.of("chain_disagreements_total")).toBe(0);
  expect(lines).toEqual([]);
});

test("an endpoint that still shows the term before has no say in whether the next is settled", async () => {
  const world = await worldInTerm1();
  const proxies = await Promise.all([1, 2, 3].map(() => proxyOf(world)));
  await mine(world, 2);
  proxies[0]?.tamper(await stopsHere(world)); // term 1, settled
  await handOver(world);
  await mine(world);
  proxies[1]?.tamper(await stopsHere(world)); // term 2, one block short of it
  await mine(world);
  const { chain, counts } = await open(world, {
    rpcUrls: proxies.map(({ url }) => url),
    rpcQuorum: 2,
  });
  const disagreements = () => counts.of("chain_disagreements_total");
  await chain.read();
  await expect.poll(disagreements, { timeout: 15_000, interval: 10 }).toBe(1);
  expect((await chain.read()).view).toMatchObject({ term: 2, settled: false });
});
