/** The set-up against a real chain and real guest agents of the simulator. */
import * as AbiFunction from "ox/AbiFunction";
import { afterAll, beforeAll, expect, test } from "vitest";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import { membershipReader } from "../../../scripts/setup/membership.ts";
import { openOutbox } from "../../../scripts/setup/outbox.ts";
import { type Deployment, setUp } from "../../../scripts/setup/setup.ts";
import { retire, takeBack } from "../../../scripts/setup/tokens.ts";
import { type Anvil, startAnvil } from "../../support/anvil.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";

let anvil: Anvil;
let simulator: Simulator;

beforeAll(async () => {
  [anvil, simulator] = await Promise.all([startAnvil(), startSimulator({ instances: 4 })]);
});

afterAll(async () => {
  await Promise.all([anvil?.stop(), simulator?.stop()]);
});

const endpoint = () => rpcEndpoint(anvil.url, 0, 5_000);
const readerOf = (contract: string) => membershipReader(endpoint(), contract);

function run(nodeCount: number, contract: string | null): Promise<Deployment> {
  const agents = simulator.sockets
    .slice(0, nodeCount)
    .map((socket, position) => ({ name: `node${position + 1}`, endpoint: socket }));
  return setUp({ rpcUrl: anvil.url, agents, contract, timeoutMs: 10_000 });
}

const questions = {
  owner: AbiFunction.fromAbi(membershipAbi, "owner"),
  ownerOf: AbiFunction.fromAbi(membershipAbi, "ownerOf"),
  nodeWalletOf: AbiFunction.fromAbi(membershipAbi, "nodeWalletOf"),
};

async function ask(contract: string, data: `0x${string}`): Promise<string> {
  const word = await anvil.rpc<string>("eth_call", [{ to: contract, data }, "latest"]);
  return `0x${word.slice(-40)}`;
}

test("the operator holds every token, and each names one node's wallet", async () => {
  const { contract, nodes, deployed } = await run(3, null);
  expect(deployed).toBe(true);
  const operator = await ask(contract, AbiFunction.encodeData(questions.owner));
  for (const [position, { wallet }] of nodes.entries()) {
    const tokenId = BigInt(position + 1);
    expect(await ask(contract, AbiFunction.encodeData(questions.ownerOf, [tokenId]))).toBe(
      operator,
    );
    expect(await ask(contract, AbiFunction.encodeData(questions.nodeWalletOf, [tokenId]))).toBe(
      wallet,
    );
    expect(await readerOf(contract).node(wallet)).toEqual({ standing: "none", tokenId });
    const balance = await anvil.rpc<string>("eth_getBalance", [wallet, "latest"]);
    expect(BigInt(balance)).toBe(100n * 10n ** 18n);
  }
});

test("a repeated set-up sends nothing", async () => {
  const { contract } = await run(3, null);
  const block = await anvil.rpc<string>("eth_blockNumber");
  expect(await run(3, contract)).toMatchObject({ contract, deployed: false });
  expect(await anvil.rpc<string>("eth_blockNumber")).toBe(block);
});

test("a node that is new to a contract gets a token of its own", async () => {
  const { contract } = await run(3, null);
  const { nodes } = await run(4, contract);
  const newcomer = nodes[3]?.wallet ?? "";
  expect(nodes[3]?.before).toEqual({ standing: "none", tokenId: 0n });
  expect(await readerOf(contract).node(newcomer)).toEqual({ standing: "none", tokenId: 4n });
  expect(await readerOf(contract).tokenCount()).toBe(4n);
});

test("a token that was taken back serves its node no more", async () => {
  const { contract, nodes } = await run(1, null);
  const outbox = await openOutbox(endpoint());
  await takeBack(outbox, contract, 1n);
  await outbox.settled(5_000);
  expect((await readerOf(contract).node(nodes[0]?.wallet ?? "")).tokenId).toBe(0n);
});

test("what the contract refuses is said in its own words", async () => {
  const { contract } = await run(1, null);
  const outbox = await openOutbox(endpoint());
  await expect(retire(outbox, contract, 1n)).rejects.toThrow(
    "cannot retire token 1: the contract refused: TokenNotInUse(1)",
  );
});

test("an address without a contract is refused", async () => {
  const empty = `0x${"77".repeat(20)}`;
  await expect(run(1, empty)).rejects.toThrow(`there is no contract at ${empty}`);
});
