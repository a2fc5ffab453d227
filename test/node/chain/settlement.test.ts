import { expect, test } from "vitest";
import {
  handOver,
  isAboutOlder,
  mine,
  open,
  proxyOf,
  prunes,
  settledBlock,
  worldInTerm1,
  worldOf,
} from "./settling.ts";

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
  expect((await chain.read()).view.settled).toBe(true);

  await handOver(world);
  expect(await settledBlock(chain)).toMatchObject({ term: 2, settled: false });
  await mine(world, 2);
  expect(await settledBlock(chain)).toMatchObject({ term: 2, settled: true });
});

test("a registration in term 1 unsettles nothing; it is no part of the roster", async () => {
  const world = await worldOf({ nodes: 2, genesisSize: 1 });
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
  // The node answers before its miner has made that block.
  await expect
    .poll(() => settledBlock(chain))
    .toEqual({
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
