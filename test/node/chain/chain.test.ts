import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClusterChain } from "../../../node/src/chain/chain.ts";
import { createVoteSigner } from "../../../node/src/chain/votes.ts";
import { bootKey, term } from "../../../node/src/consensus/ids.ts";
import { rosterOf } from "../../../node/src/consensus/roster.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { bootKeyOf, registrationOf, startWorld, type World } from "./nodes.ts";

// One story on one chain: each test goes on where the last one ended.
let world: World;
let chains: readonly ClusterChain[];

beforeAll(async () => {
  world = await startWorld({ nodes: 5, genesisSize: 3, tokens: 4 });
  chains = await Promise.all([0, 1, 2, 3, 4].map((node) => world.chain(node)));
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

async function register(node: number, tokenId = BigInt(node + 1)): Promise<void> {
  const instanceId = world.enclaves[node]?.instanceId ?? "";
  await chainOf(node).register(tokenId, registrationOf(node, instanceId));
}

test("before anyone registered, there is no term, no leader and no member", async () => {
  const { view, members, pending } = await chainOf(0).read();

  expect(view).toEqual({
    term: 0,
    leader: null,
    roster: rosterOf([], sha256Chain),
    genesisSize: 3,
    coldTerm: 0,
    revoked: [],
    departing: [],
    pending: [],
    settled: true,
    anchor: null,
  });
  expect({ members, pending }).toEqual({ members: [], pending: [] });
});

test("a node finds the token minted to its wallet, or learns that it has none", async () => {
  expect(await chainOf(0).standing()).toEqual({ kind: "token", tokenId: 1n });
  expect(await chainOf(4).standing()).toEqual({ kind: "no-token", wallet: walletOf(4) });
});

test("a registration with the guest agent's key proof is accepted and shows in the view", async () => {
  await register(0);
  const { view, members } = await chainOf(0).read();

  expect(view.term).toBe(0);
  expect(members).toEqual([
    {
      slot: 0,
      tokenId: 1n,
      id: walletOf(0),
      instanceId: world.enclaves[0]?.instanceId,
      bootKey: bootKeyOf(0),
      endpoint: "http://127.0.0.1:8081",
      peerEndpoint: "127.0.0.1:9081",
      revoked: false,
      departing: false,
    },
  ]);
  const registered = { kind: "registered", tokenId: 1n, bootKey: bootKeyOf(0) };
  expect(await chainOf(0).standing()).toEqual({ ...registered, waiting: true });
});

test("another instance's id is refused, with the contract's own error and its values", async () => {
  const foreign = registrationOf(1, world.enclaves[2]?.instanceId ?? "");
  const fault = await faultOf(chainOf(1).register(2n, foreign));
  expect(fault).toMatchObject({ code: "chain.reverted", call: "register" });
  expect((fault as { error: string }).error).toMatch(/^[A-Z]\w+\(.*\)$/);
});

test("someone else's token is refused by name", async () => {
  expect(await faultOf(register(1, 3n))).toEqual({
    code: "chain.reverted",
    call: "register",
    error: expect.stringMatching(/^NotNodeWallet\(3, 0x[0-9a-fA-F]{40}, 0x[0-9a-fA-F]{40}\)$/),
  });
});

test("the registration that completes the genesis starts term 1 under a leader", async () => {
  await Promise.all([register(1), register(2)]);
  const { view, members } = await chainOf(0).read();

  expect(view.term).toBe(1);
  expect(members.map(({ id }) => id).sort()).toEqual([0, 1, 2].map(walletOf).sort());
  expect(members.map(({ id }) => id)).toContain(view.leader);
  expect(view.roster).toEqual(rosterOf(members, sha256Chain));
  expect(await chainOf(0).standing()).toMatchObject({ kind: "registered", waiting: false });
});

test("who registers later is pending, and no part of the roster", async () => {
  const before = await chainOf(0).read();
  await register(3);
  const { view, pending } = await chainOf(0).read();

  expect(pending.map(({ id }) => id)).toEqual([walletOf(3)]);
  const waiting = [{ slot: 3, id: walletOf(3), bootKey: bootKeyOf(3) }];
  expect(view).toEqual({ ...before.view, pending: waiting });
  expect(await chainOf(3).standing()).toMatchObject({ kind: "registered", waiting: true });
});

test("announcing a boot changes nothing that nodes read", async () => {
  const before = await chainOf(0).read();
  await chainOf(0).announceBoot(bootKey("cc".repeat(32)), `0x${"dd".repeat(32)}`);
  const after = await chainOf(0).read();

  expect(after.block.number).toBe(before.block.number + 1n);
  expect(after.members).toEqual(before.members);
});

test("a quorum's signatures, in any order, start the next term under the successor", async () => {
  const { view } = await chainOf(0).read();
  const successor = await slotOtherThanLeader();
  const deadline = Math.floor(Date.now() / 1_000) + 3_600;
  const statement = { term: view.term, successorSlot: successor.slot, deadline };
  const signatures = await votes(statement, [2, 0]);
  await chainOf(3).submitNoConfidence({ ...statement, signatures });

  const after = await chainOf(1).read();
  expect(after.view).toMatchObject({ term: view.term + 1, leader: successor.id });
});

test("a certificate for a term that is over is refused as stale, at no cost", async () => {
  const successor = await slotOtherThanLeader();
  const deadline = Math.floor(Date.now() / 1_000) + 3_600;
  const statement = { term: term(1), successorSlot: successor.slot, deadline };
  const certificate = { ...statement, signatures: await votes(statement, [0, 1]) };
  const before = await world.anvil.rpc<string>("eth_getBalance", [walletOf(0), "latest"]);

  expect(await faultOf(chainOf(0).submitNoConfidence(certificate))).toEqual({
    code: "chain.reverted",
    call: "submitNoConfidence",
    error: "StaleTerm(1, 2)",
  });
  expect(await world.anvil.rpc("eth_getBalance", [walletOf(0), "latest"])).toBe(before);
});

test("members vote one by one, take a vote back, and the deciding vote starts the term", async () => {
  const { view } = await chainOf(0).read();
  const successor = await slotOtherThanLeader();
  const vote = { term: view.term, successorSlot: successor.slot };

  await chainOf(0).castVote({ ...vote, noConfidence: true });
  await chainOf(0).castVote({ ...vote, noConfidence: false });
  await chainOf(1).castVote({ ...vote, noConfidence: true });
  expect((await chainOf(0).read()).view.term).toBe(view.term);

  await chainOf(2).castVote({ ...vote, noConfidence: true });
  const after = await chainOf(0).read();
  expect(after.view).toMatchObject({ term: view.term + 1, leader: successor.id });
});

test("votes of all members at the same time start one term, and no vote is lost to a nonce", async () => {
  const { view } = await chainOf(0).read();
  const successor = await slotOtherThanLeader();
  const vote = { term: view.term, successorSlot: successor.slot, noConfidence: true };

  const outcomes = await Promise.all(
    [0, 1, 2].map((node) => faultOf(chainOf(node).castVote(vote))),
  );
  const refusals = outcomes.filter((outcome) => outcome !== "accepted");
  expect(refusals.length).toBeLessThanOrEqual(1);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ error: `StaleTerm(${view.term}, ${view.term + 1})` });
  }
  expect((await chainOf(0).read()).view.term).toBe(view.term + 1);
});

test("the leader hands over, and a follower cannot", async () => {
  const { view } = await chainOf(0).read();
  const leader = [0, 1, 2].find((node) => walletOf(node) === view.leader) ?? -1;
  const successor = await slotOtherThanLeader();
  const change = { term: view.term, successorSlot: successor.slot };

  const follower = [0, 1, 2].find((node) => node !== leader) ?? -1;
  const fault = await faultOf(chainOf(follower).handOver(change));
  expect(fault).toMatchObject({ error: expect.stringMatching(/^NotLeader\(0x/) });

  await chainOf(leader).handOver(change);
  expect((await chainOf(0).read()).view.leader).toBe(successor.id);
});

test("a cold start replaces the roster's boot keys and names its term", async () => {
  const { view, members } = await chainOf(0).read();
  const leader = [0, 1, 2].find((node) => walletOf(node) === view.leader) ?? -1;
  const bootKeys = members.map(({ slot }) => bootKey(`${slot}`.padStart(64, "e")));
  await chainOf(leader).coldStart({ term: view.term, bootKeys });

  const after = await chainOf(0).read();
  expect(after.view).toMatchObject({ term: view.term + 1, coldTerm: view.term + 1 });
  expect(after.members.map((member) => member.bootKey)).toEqual(bootKeys);
  expect(after.view.roster.hash).not.toBe(view.roster.hash);
});

test("calls of one wallet at the same time get nonces of their own", async () => {
  const calls = Array.from({ length: 8 }, (_, at) =>
    chainOf(0).announceBoot(bootKey(`${at}`.padStart(64, "f")), `0x${"dd".repeat(32)}`),
  );
  await expect(Promise.all(calls)).resolves.toHaveLength(8);
});

test("a revoked member shows in the view; a revoked wallet that is no member is told so", async () => {
  await world.membership.revoke(2n);
  await world.membership.revoke(4n);
  const { view } = await chainOf(0).read();

  expect(view.revoked).toEqual([walletOf(1)]);
  expect(await chainOf(1).standing()).toMatchObject({ kind: "registered", tokenId: 2n });
  expect(await chainOf(3).standing()).toEqual({ kind: "revoked", tokenId: 4n });
});

test("a wallet without funds is told so by the endpoint's own words", async () => {
  await world.anvil.rpc("anvil_setBalance", [walletOf(0), "0x0"]);
  const fault = await faultOf(chainOf(0).announceBoot(bootKeyOf(0), `0x${"dd".repeat(32)}`));
  expect(fault).toMatchObject({ code: "chain.refused", call: "announceBoot" });
  expect((fault as { reason: string }).reason).toMatch(/insufficient funds/i);
});

async function slotOtherThanLeader() {
  const { view, members } = await chainOf(0).read();
  const [other] = members.filter(({ id }) => id !== view.leader);
  if (other === undefined) throw new Error("there is no other member");
  return other;
}

async function votes(
  statement: { term: ReturnType<typeof term>; successorSlot: number; deadline: number },
  nodes: readonly number[],
) {
  const { members } = await chainOf(0).read();
  return await Promise.all(
    nodes.map(async (node) => {
      const enclave = world.enclaves[node];
      const member = members.find(({ id }) => id === enclave?.wallet.address);
      if (enclave === undefined || member === undefined) throw new Error(`no member ${node}`);
      const sign = createVoteSigner(chainOf(0), enclave.wallet);
      return { slot: member.slot, signature: await sign(statement) };
    }),
  );
}
