import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClusterChain } from "../../../node/src/chain/chain.ts";
import { createCheckpointSigner } from "../../../node/src/chain/vouchers.ts";
import type { Checkpoint } from "../../../node/src/consensus/checkpoint.ts";
import { bootKey, hash, term } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import { bootKeyOf, startWorld, type World } from "./nodes.ts";

// One story on one chain: each test goes on where the last one ended.
let world: World;
let chains: readonly ClusterChain[];
const quoteHash = `0x${"9a".repeat(32)}`;
const checkpoint: Checkpoint = {
  coldTerm: term(0),
  index: 40,
  logRoot: hash("a1".repeat(32)),
  stateHash: hash("b2".repeat(32)),
};

beforeAll(async () => {
  world = await startWorld({ nodes: 5, genesisSize: 3 });
  chains = await Promise.all([0, 1, 2, 3, 4].map((node) => world.chain(node)));
  await world.register(0);
});
afterAll(() => world.stop());

function chainOf(node: number): ClusterChain {
  const chain = chains[node];
  if (chain === undefined) throw new Error(`there is no node ${node}`);
  return chain;
}

function walletOf(node: number): string {
  return world.enclaves[node]?.wallet.address ?? "";
}

async function faultOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  return error instanceof ClusterError ? error.fault : error;
}

async function signed(node: number, what: Checkpoint) {
  const { members, pending } = await chainOf(0).read();
  const listed = [...members, ...pending].find(({ id }) => id === walletOf(node));
  const wallet = world.enclaves[node]?.wallet;
  if (listed === undefined || wallet === undefined) throw new Error(`no node ${node}`);
  const signature = await createCheckpointSigner(chainOf(0), wallet)(what);
  return { slot: listed.slot, checkpoint: what, signature };
}

test("a node that restarts during the genesis registers its new boot in place of the old", async () => {
  const restarted = bootKey("cc".repeat(32));
  await chainOf(0).reregister(restarted, quoteHash);

  expect(await chainOf(0).standing()).toMatchObject({ bootKey: restarted, waiting: true });
  expect((await chainOf(0).read()).view.roster.members).toEqual([
    { slot: 0, id: walletOf(0), bootKey: restarted },
  ]);
});

test("nothing is anchored before the first term", async () => {
  const certificate = { checkpoint, signatures: [await signed(0, checkpoint)] };
  expect(await faultOf(chainOf(0).anchor(certificate))).toMatchObject({ error: "NotStarted()" });
});

test("once it is a member, a boot is not replaced by registering another", async () => {
  await world.register(1);
  await world.register(2);
  const { view } = await chainOf(0).read();
  expect(view).toMatchObject({ term: 1, leader: walletOf(0) });

  expect(await faultOf(chainOf(0).reregister(bootKeyOf(0), quoteHash))).toEqual({
    code: "chain.reverted",
    call: "reregister",
    error: "AlreadyActive(0)",
  });
});

test("who waits to become a member is told so, and may register a new boot", async () => {
  await world.register(3);
  const restarted = bootKey("dd".repeat(32));
  await chainOf(3).reregister(restarted, quoteHash);

  const { view, members, pending } = await chainOf(0).read();
  expect(view.pending).toEqual([{ slot: 3, id: walletOf(3), bootKey: restarted }]);
  expect(pending).toHaveLength(1);
  expect(view.roster.members).toHaveLength(members.length);
  expect(await chainOf(3).standing()).toMatchObject({ bootKey: restarted, waiting: true });
});

test("the leader admits: a new term of the same leader, with one member more", async () => {
  const change = { term: term(1), slot: 3 };
  expect(await faultOf(chainOf(1).admit(change))).toMatchObject({
    error: expect.stringMatching(/^NotLeader\(0x/),
  });
  await chainOf(0).admit(change);

  const { view } = await chainOf(0).read();
  expect(view).toMatchObject({ term: 2, leader: walletOf(0), pending: [] });
  expect(view.roster.members.map(({ slot }) => slot)).toEqual([0, 1, 2, 3]);
  expect(await chainOf(3).standing()).toMatchObject({ kind: "registered", waiting: false });
});

test("a quorum's vouchers make an anchor, and the view shows it", async () => {
  const two = [await signed(2, checkpoint), await signed(0, checkpoint)];
  expect(await faultOf(chainOf(0).anchor({ checkpoint, signatures: two }))).toMatchObject({
    error: "QuorumNotReached(2, 3)",
  });

  await chainOf(0).anchor({ checkpoint, signatures: [...two, await signed(3, checkpoint)] });
  const { coldTerm, index, logRoot } = checkpoint;
  expect((await chainOf(1).read()).view.anchor).toEqual({ coldTerm, index, logRoot });
});

test("an anchor never gives way to an older one", async () => {
  const older = { ...checkpoint, index: 39 };
  const signatures = await Promise.all([0, 1, 2].map((node) => signed(node, older)));
  expect(await faultOf(chainOf(0).anchor({ checkpoint: older, signatures }))).toMatchObject({
    error: "AnchorNotNewer(39, 40)",
  });
});

test("a member that asks to go shows as departing until the leader removes it", async () => {
  await world.membership.leave(walletOf(2));
  const { view } = await chainOf(0).read();
  expect(view).toMatchObject({ term: 2, departing: [walletOf(2)] });
  expect(view.roster.members).toHaveLength(4);

  await chainOf(0).remove({ term: view.term, slot: 2 });
  const after = await chainOf(0).read();
  expect(after.view).toMatchObject({ term: 3, leader: walletOf(0), departing: [] });
  expect(after.view.roster.members.map(({ slot }) => slot)).toEqual([0, 1, 3]);
});

test("who was removed may register anew: then it waits", async () => {
  expect(await chainOf(2).standing()).toEqual({ kind: "token", tokenId: 3n });
  await world.register(2);
  const { view } = await chainOf(0).read();
  expect(await chainOf(2).standing()).toMatchObject({ kind: "registered", waiting: true });
  expect(view.pending.map(({ id }) => id)).toEqual([walletOf(2)]);
});

test("who waits and leaves is gone at once", async () => {
  await world.membership.leave(walletOf(2));
  expect((await chainOf(0).read()).view).toMatchObject({ term: 3, pending: [], departing: [] });
  expect(await chainOf(2).standing()).toEqual({ kind: "token", tokenId: 3n });
});

test("those who wait are listed ascending by slot", async () => {
  await world.register(4);
  await world.register(2);
  const { view } = await chainOf(0).read();
  const slots = view.pending.map(({ slot }) => slot);
  expect(slots).toEqual(slots.toSorted((a, b) => a - b));
  expect(view.pending).toHaveLength(2);
});

test("who signed two roots for one index is revoked by whoever shows both", async () => {
  const one = await signed(3, checkpoint);
  const sameRoot = await signed(3, { ...checkpoint, stateHash: hash("b3".repeat(32)) });
  const foreign = await signed(1, { ...checkpoint, logRoot: hash("a2".repeat(32)) });
  expect(await faultOf(chainOf(1).reportEquivocation([one, sameRoot]))).toMatchObject({
    error: "NotEquivocation()",
  });
  expect(await faultOf(chainOf(1).reportEquivocation([one, foreign]))).toMatchObject({
    error: expect.stringMatching(/^SignersDiffer\(0x/),
  });
  expect((await chainOf(0).read()).view.revoked).toEqual([]);

  const other = await signed(3, { ...checkpoint, logRoot: hash("a2".repeat(32)) });
  await chainOf(1).reportEquivocation([one, other]);
  expect((await chainOf(0).read()).view).toMatchObject({ term: 3, revoked: [walletOf(3)] });
});
