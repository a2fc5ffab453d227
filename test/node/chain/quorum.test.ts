import * as AbiFunction from "ox/AbiFunction";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import { recordingCount, recordingLog } from "../../support/recorders.ts";
import { type RpcProxy, startRpcProxy, type Tamper } from "../../support/rpcProxy.ts";
import { bootKeyOf, startWorld, type World } from "./nodes.ts";

const clusterFunction = AbiFunction.fromAbi(membershipAbi, "cluster");
const clusterSelector = AbiFunction.getSelector(clusterFunction);
const anchorFunction = AbiFunction.fromAbi(membershipAbi, "latestAnchor");
const anchorSelector = AbiFunction.getSelector(anchorFunction);

let world: World;
let proxies: readonly RpcProxy[];

beforeAll(async () => {
  world = await startWorld({ nodes: 1, genesisSize: 1 });
  await world.register(0);
  proxies = await Promise.all([1, 2, 3].map(() => startRpcProxy(world.anvil.url)));
});
afterAll(async () => {
  await Promise.all([...proxies.map((proxy) => proxy.stop()), world.stop()]);
});
beforeEach(() => {
  for (const proxy of proxies) proxy.tamper((_, answer) => answer());
});

/** Forges what `cluster()` returns; everything else is true. */
const forgesTerm =
  (term: bigint): Tamper =>
  async (call, answer) => {
    const text = await answer();
    const [request] = call.params as readonly { readonly data?: string }[];
    if (call.method !== "eth_call" || request?.data !== clusterSelector) return text;
    const parsed = JSON.parse(text) as { result: `0x${string}` };
    const cluster = AbiFunction.decodeResult(clusterFunction, parsed.result);
    const result = AbiFunction.encodeResult(clusterFunction, { ...cluster, term });
    return JSON.stringify({ ...parsed, result });
  };
const forgesAnchor: Tamper = async (call, answer) => {
  const [request] = call.params as readonly { readonly data?: string }[];
  if (call.method !== "eth_call" || request?.data !== anchorSelector) return await answer();
  const word = `0x${"ab".repeat(32)}` as const;
  const anchor = { coldTerm: 0n, index: 9n, blockNumber: 1n, logRoot: word, stateHash: word };
  return JSON.stringify({ result: AbiFunction.encodeResult(anchorFunction, anchor) });
};
const goesAway: Tamper = () => Promise.reject(new Error("away"));
const neverAnswers: Tamper = async () => null;

function tamper(position: number, how: Tamper): void {
  const proxy = proxies[position];
  if (proxy === undefined) throw new Error(`there is no endpoint ${position}`);
  proxy.tamper(how);
}

async function open(rpcQuorum: number, callTimeoutMs = 500) {
  const { log, lines } = recordingLog();
  const counts = recordingCount();
  const rpcUrls = proxies.map(({ url }) => url);
  const options = { rpcUrls, rpcQuorum, log, count: counts.count, callTimeoutMs };
  return { chain: await world.chain(0, options), lines, counts };
}

async function faultOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  return error instanceof ClusterError ? error.fault : error;
}

// protocol, "Who says what"
test("one liar among three endpoints names no term to a node that asks for two", async () => {
  const { chain, lines, counts } = await open(2);
  await world.anvil.rpc("evm_mine");
  tamper(0, forgesTerm(99n));

  expect((await chain.read()).view.term).toBe(1);
  await eventually(() => lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  const [warning] = lines.filter(({ level }) => level === "warn");
  expect(warning).toMatchObject({
    sentence: "the endpoint disagrees about the cluster: it lags, or it lies",
    fields: { says: { term: 99 }, agreed: { term: 1 } },
  });
  expect(JSON.stringify(warning?.fields)).toContain('"endpoint":"rpc 1 (127.0.0.1:');
  expect(counts.of("chain_disagreements_total")).toBe(1);
});

test("an anchor that one endpoint alone shows is none", async () => {
  const { chain, counts } = await open(2);
  await world.anvil.rpc("evm_mine");
  tamper(0, forgesAnchor);

  expect((await chain.read()).view.anchor).toBeNull();
  await eventually(() => counts.of("chain_disagreements_total")).toBe(1);
});

test("an endpoint that goes on lying is named once for each lie, and once when it stops", async () => {
  const { chain, lines } = await open(2);
  await world.anvil.rpc("evm_mine");
  tamper(0, forgesTerm(98n));
  await chain.read();
  await chain.read();
  await world.anvil.rpc("evm_mine");
  await chain.read();
  await eventually(() => chain.disagreeing()).toEqual([expect.stringMatching(/^rpc 1 \(127/)]);
  tamper(0, (_, answer) => answer());
  await world.anvil.rpc("evm_mine");
  await chain.read();

  await eventually(() => lines.at(-1)?.sentence).toBe("the endpoint agrees again");
  expect(chain.disagreeing()).toEqual([]);
  expect(lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("an endpoint that is away while others answer is named, once", async () => {
  const { chain, lines } = await open(2);
  tamper(2, goesAway);
  await chain.read();
  await chain.read();
  await eventually(() => lines.length).toBe(1);
  tamper(2, (_, answer) => answer());
  await chain.read();

  await eventually(() => lines.map(({ sentence }) => sentence)).toEqual([
    "the endpoint does not answer; others do",
    "the endpoint agrees again",
  ]);
  expect(JSON.stringify(lines[0]?.fields)).toMatch(/"endpoint":"rpc 3 .*socket hang up/);
});

test("when too few endpoints agree, nothing counts", async () => {
  const { chain } = await open(2);
  await world.anvil.rpc("evm_mine");
  tamper(0, forgesTerm(98n));
  tamper(1, forgesTerm(99n));

  expect(await faultOf(chain.read())).toEqual({
    code: "chain.disputed",
    reason: expect.stringMatching(/^rpc . .*disagree, and fewer than 2 say the same$/),
  });
});

test("endpoints that are away or silent do not stop a quorum, nor slow it down", async () => {
  const longerThanThisTestMay = 600_000;
  const { chain } = await open(1, longerThanThisTestMay);
  await world.anvil.rpc("evm_mine");
  tamper(0, goesAway);
  tamper(1, neverAnswers);

  expect((await chain.read()).view.term).toBe(1);
});

test("an endpoint that lags does not take the node back to an older block", async () => {
  const { chain } = await open(1);
  const old = await world.anvil.rpc("eth_getBlockByNumber", ["latest", false]);
  await world.anvil.rpc("evm_mine");
  tamper(0, goesAway);
  const newest = await chain.read();

  const first = Promise.withResolvers<void>();
  const answersLater: Tamper = (_, answer) => first.promise.then(answer);
  tamper(1, answersLater);
  tamper(2, answersLater);
  tamper(0, async ({ method }, answer) => {
    if (method !== "eth_getBlockByNumber") return await answer();
    setImmediate(first.resolve); // once this answer has left
    return JSON.stringify({ result: old });
  });
  expect((await chain.read()).block).toEqual(newest.block);
});

test("short of a quorum of answers, the chain is unreachable, and each endpoint says why", async () => {
  const { chain } = await open(2);
  await world.anvil.rpc("evm_mine");
  tamper(0, goesAway);
  tamper(1, neverAnswers);

  const fault = (await faultOf(chain.read())) as { code: string; reason: string };
  expect(fault.code).toBe("chain.unreachable");
  expect(fault.reason).toMatch(/rpc 1 .*socket hang up/);
  expect(fault.reason).toMatch(/rpc 2 .*no answer in 500 ms/);
});

test("a block's hash counts when a quorum gives it", async () => {
  const { chain } = await open(2);
  tamper(2, async (call, answer) => {
    const text = await answer();
    return call.method === "eth_getBlockByNumber"
      ? text.replaceAll(/"0x[0-9a-f]{64}"/g, `"0x${"6".repeat(64)}"`)
      : text;
  });
  const honest = await world.anvil.rpc<{ hash: string }>("eth_getBlockByNumber", ["0x1", false]);

  expect((await chain.blockAt(1n))?.hash).toBe(honest.hash);
  expect(await chain.blockAt(10_000n)).toBeNull();
});

test("a transaction goes through though two of three endpoints are useless", async () => {
  const { chain } = await open(1);
  tamper(0, goesAway);
  tamper(1, goesAway);
  const before = await world.anvil.rpc<string>("eth_blockNumber");

  await chain.announceBoot(bootKeyOf(0), `0x${"1".repeat(64)}`);
  expect(await world.anvil.rpc<string>("eth_blockNumber")).not.toBe(before);
});

test("answers that are no JSON-RPC make an endpoint unreachable, not the node fail", async () => {
  const { chain } = await open(1);
  const garbage = ["", "<html>", "[]", "{}", '{"result":7}', '{"result":{"number":"x"}}', "null"];
  for (const text of garbage) {
    for (const position of [0, 1, 2]) tamper(position, async () => text);
    expect(await faultOf(chain.read())).toMatchObject({ code: "chain.unreachable" });
    expect(await faultOf(chain.standing())).toMatchObject({ code: "chain.unreachable" });
    const announced = chain.announceBoot(bootKeyOf(0), `0x${"1".repeat(64)}`);
    expect(await faultOf(announced)).toMatchObject({ code: "chain.unreachable" });
  }
});

test("a member list that cannot be decoded makes an endpoint unreachable", async () => {
  const { chain } = await open(1);
  await world.anvil.rpc("evm_mine");
  for (const position of [0, 1, 2]) {
    tamper(position, async (call, answer) =>
      call.method === "eth_call" ? '{"jsonrpc":"2.0","id":1,"result":"0x1234"}' : answer(),
    );
  }
  expect(await faultOf(chain.read())).toEqual({
    code: "chain.unreachable",
    reason: expect.stringContaining("the contract's answer cannot be read"),
  });
});

function eventually<T>(value: () => T) {
  return expect.poll(value, { timeout: 15_000, interval: 10 });
}
