import fc from "fast-check";
import * as AbiFunction from "ox/AbiFunction";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { type RpcProxy, startRpcProxy, type Tamper } from "../../support/rpcProxy.ts";
import { startWorld, type World } from "./nodes.ts";

/** One of each that the tests list, and one of each that they never do. */
const [listed, other] = ["1d".repeat(32), "2e".repeat(32)];
const asked = { composeHash: listed, deviceId: listed, osImageHash: listed };

let world: World;
let proxies: readonly RpcProxy[];
let untouched: string;

beforeAll(async () => {
  world = await startWorld({ nodes: 1, genesisSize: 1 });
  proxies = await Promise.all([1, 2, 3].map(() => startRpcProxy(world.anvil.url)));
  untouched = await world.anvil.rpc<string>("evm_snapshot");
});
afterEach(async () => {
  for (const proxy of proxies) proxy.tamper((_, answer) => answer());
  await world.anvil.rpc("evm_revert", [untouched]);
  untouched = await world.anvil.rpc<string>("evm_snapshot");
});
afterAll(async () => {
  await Promise.all([...proxies.map((proxy) => proxy.stop()), world.stop()]);
});

type OwnerCall =
  | readonly ["addComposeHash" | "removeComposeHash" | "addDevice", `0x${string}`]
  | readonly ["addOsImageHash" | "removeOsImageHash", `0x${string}`]
  | readonly ["setAllowAnyDevice" | "setRequireTcbUpToDate", boolean]
  | readonly ["setKmsRoot" | "setAppId", `0x${string}`];

async function asOwner(...[name, value]: OwnerCall): Promise<void> {
  const { anvil, membership } = world;
  const [from] = await anvil.rpc<readonly string[]>("eth_accounts");
  const definition = AbiFunction.fromAbi(membershipAbi, name);
  const data = AbiFunction.encodeData(definition, [value] as never);
  const sent = { from, to: membership.contract, data };
  const hash = await anvil.rpc<string>("eth_sendTransaction", [sent]);
  await expect
    .poll(() => anvil.rpc("eth_getTransactionReceipt", [hash]))
    .toMatchObject({ status: "0x1" });
}

async function open(rpcQuorum = 1, urls: readonly string[] = [world.anvil.url]) {
  return await world.chain(0, { rpcUrls: urls, rpcQuorum });
}

test("a contract that allows nothing yet admits no compose hash and no device, but any image", async () => {
  const { readAdmission } = await open();
  expect(await readAdmission(asked)).toMatchObject({
    composeHashAllowed: false,
    deviceAllowed: false,
    osImageAllowed: true,
    osImagesRestricted: false,
    tcbUpToDateRequired: false,
  });
});

test("who the app is and whose keys it trusts are read as the contract says now", async () => {
  const { readAdmission } = await open();
  await asOwner("setAppId", `0x${"Ab".repeat(20)}`.toLowerCase() as `0x${string}`);
  await asOwner("setKmsRoot", `0x${"cd".repeat(20)}`);
  const { appId, kmsRoot } = await readAdmission(asked);
  expect({ appId, kmsRoot }).toEqual({
    appId: "ab".repeat(20),
    kmsRoot: `0x${"cd".repeat(20)}`,
  });
});

test("a compose hash that is taken off the list is allowed no longer", async () => {
  const { readAdmission } = await open();
  await asOwner("addComposeHash", `0x${listed}`);
  expect(await readAdmission(asked)).toMatchObject({ composeHashAllowed: true });
  expect(await readAdmission({ ...asked, composeHash: other })).toMatchObject({
    composeHashAllowed: false,
  });
  await asOwner("removeComposeHash", `0x${listed}`);
  expect(await readAdmission(asked)).toMatchObject({ composeHashAllowed: false });
});

test("once images are listed, a machine that measured none is not allowed", async () => {
  const { readAdmission } = await open();
  const unmeasured = { ...asked, osImageHash: null };
  expect(await readAdmission(unmeasured)).toMatchObject({ osImageAllowed: true });
  await asOwner("addOsImageHash", `0x${listed}`);
  const restricted = { osImagesRestricted: true };
  expect(await readAdmission(unmeasured)).toMatchObject({ ...restricted, osImageAllowed: false });
  expect(await readAdmission(asked)).toMatchObject({ ...restricted, osImageAllowed: true });
});

test("what the contract would answer the KMS follows from what is read here", async () => {
  const { readAdmission } = await open();
  const { anvil, membership } = world;
  const isAppAllowed = AbiFunction.fromAbi(membershipAbi, "isAppAllowed");
  const one = fc.constantFrom(listed, other);
  const settings = fc.record({
    compose: fc.boolean(),
    device: fc.boolean(),
    anyDevice: fc.boolean(),
    image: fc.boolean(),
    upToDate: fc.boolean(),
  });
  const quote = fc.record({
    composeHash: one,
    deviceId: one,
    osImageHash: one,
    tcbStatus: fc.constantFrom("UpToDate", "OutOfDate"),
  });
  const property = fc.asyncProperty(
    settings,
    fc.array(quote, { minLength: 1 }),
    async (set, all) => {
      const before = await anvil.rpc<string>("evm_snapshot");
      if (set.compose) await asOwner("addComposeHash", `0x${listed}`);
      if (set.device) await asOwner("addDevice", `0x${listed}`);
      if (set.image) await asOwner("addOsImageHash", `0x${listed}`);
      await asOwner("setAllowAnyDevice", set.anyDevice);
      await asOwner("setRequireTcbUpToDate", set.upToDate);
      for (const { tcbStatus, ...of } of all) {
        const word = `0x${"00".repeat(32)}` as const;
        const address = `0x${"00".repeat(20)}` as const;
        const info = {
          ...{ appId: address, instanceId: address, mrAggregated: word, mrSystem: word },
          ...{ composeHash: hex(of.composeHash), deviceId: hex(of.deviceId) },
          ...{ osImageHash: hex(of.osImageHash), tcbStatus, advisoryIds: [] },
        };
        const call = {
          to: membership.contract,
          data: AbiFunction.encodeData(isAppAllowed, [info]),
        };
        const answer = await anvil.rpc<`0x${string}`>("eth_call", [call, "latest"]);
        const [said] = AbiFunction.decodeResult(isAppAllowed, answer) as readonly [boolean, string];
        const read = await readAdmission(of);
        const meets = !read.tcbUpToDateRequired || tcbStatus === "UpToDate";
        const follows = [read.composeHashAllowed, read.deviceAllowed, read.osImageAllowed, meets];
        expect(follows.every(Boolean)).toBe(said);
      }
      await anvil.rpc("evm_revert", [before]);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

const hex = (digits: string) => `0x${digits}` as const;

const composeSelector = AbiFunction.getSelector(
  AbiFunction.fromAbi(membershipAbi, "allowedComposeHashes"),
);
/** Says of every compose hash that it is allowed. */
const allowsAll: Tamper = async (call, answer) => {
  const [request] = call.params as readonly { readonly data?: string }[];
  const isAsked = call.method === "eth_call" && request?.data?.startsWith(composeSelector);
  return isAsked ? JSON.stringify({ result: `0x${"0".repeat(63)}1` }) : await answer();
};

test("an endpoint that lies about the list is outvoted, and two endpoints that differ decide nothing", async () => {
  const [first, second] = proxies;
  const { readAdmission } = await open(
    2,
    proxies.map(({ url }) => url),
  );
  first?.tamper(allowsAll);
  expect(await readAdmission(asked)).toMatchObject({ composeHashAllowed: false });

  const two = await open(
    2,
    proxies.slice(0, 2).map(({ url }) => url),
  );
  second?.tamper((_, answer) => answer());
  await expect(two.readAdmission(asked)).rejects.toMatchObject({
    fault: { code: "chain.disputed" },
  });
});

test("an endpoint is asked about one block, however the chain grows meanwhile", async () => {
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error("expected an endpoint");
  const { readAdmission } = await open(1, [proxy.url]);
  await asOwner("addComposeHash", `0x${listed}`);
  // The list changes after the newest block was read, before anything is asked about it.
  let changed = false;
  proxy.tamper(async (call, answer) => {
    if (call.method === "eth_call" && !changed) {
      changed = true;
      await asOwner("removeComposeHash", `0x${listed}`);
    }
    return await answer();
  });
  expect(await readAdmission(asked)).toMatchObject({ composeHashAllowed: true });
  expect(await readAdmission(asked)).toMatchObject({ composeHashAllowed: false });
});

test("an endpoint that cannot be reached is no answer", async () => {
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error("expected an endpoint");
  const { readAdmission } = await open(1, [proxy.url]);
  proxy.tamper(() => Promise.reject(new Error("away")));
  await expect(readAdmission(asked)).rejects.toMatchObject({
    fault: { code: "chain.unreachable" },
  });
});

test("a change of a list shows in the blocks that hold it, and in no others", async () => {
  const { policyChanged } = await open(2, [world.anvil.url, ...proxies.map(({ url }) => url)]);
  const newest = async () => BigInt(await world.anvil.rpc<string>("eth_blockNumber"));
  const before = await newest();
  await asOwner("addComposeHash", `0x${listed}`);
  const changed = await newest();
  await world.anvil.rpc("evm_mine");
  expect(await policyChanged(before + 1n, changed)).toBe(true);
  expect(await policyChanged(changed + 1n, await newest())).toBe(false);

  // One endpoint that conceals it does not matter while another tells.
  for (const proxy of proxies) proxy.tamper(concealsLogs);
  expect(await policyChanged(before + 1n, changed)).toBe(true);
});

const concealsLogs: Tamper = async ({ method }, answer) =>
  method === "eth_getLogs" ? JSON.stringify({ result: [] }) : await answer();

test("where no endpoint tells of changes, that is said", async () => {
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error("expected an endpoint");
  const { policyChanged } = await open(1, [proxy.url]);
  proxy.tamper(async ({ method }, answer) =>
    method === "eth_getLogs"
      ? JSON.stringify({ error: { code: -32_005, message: "range too large" } })
      : await answer(),
  );
  await expect(policyChanged(1n, 2n)).rejects.toMatchObject({
    fault: { code: "chain.unreachable", reason: expect.stringContaining("range too large") },
  });
});
