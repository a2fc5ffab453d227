/** Evidence against a member that signed two logs: anyone may bring it, and the cluster parts with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as AbiFunction from "ox/AbiFunction";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { checkpointWords, createCheckpointSigner } from "../../node/src/chain/vouchers.ts";
import type { Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import { hash, term } from "../../node/src/consensus/ids.ts";
import { openEnclave } from "../../node/src/tee/enclave.ts";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { guestSocket } from "../../scripts/cluster/layout.ts";
import { readRecord } from "../../scripts/cluster/record.ts";
import { getJson, increment, type Status } from "../support/clients.ts";

let cluster: Cluster;
let dataDir: string;
const url = (position: number): string => cluster.nodes[position]?.url ?? "";
const patience = { timeout: 20_000 };

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  cluster = await startCluster({ dataDir, nodeCount: 3, basePort: 18_381 });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const report = AbiFunction.fromAbi(membershipAbi, "reportEquivocation");
const checkpointWith = (logRoot: string): Checkpoint => ({
  coldTerm: term(0),
  index: 5,
  logRoot: hash(logRoot.repeat(32)),
  stateHash: hash("33".repeat(32)),
});

test("a member that signed two roots for one index is revoked and removed", async () => {
  const before = await increment(url(0));
  const slots = await slotsAt(0);
  const culprit = (await getJson<Status>(`${url(2)}/status`)).node.slot;
  await reportFor(2, [checkpointWith("11"), checkpointWith("22")]);

  const others = slots.filter((slot) => slot !== culprit);
  await expect.poll(() => slotsAt(0), patience).toEqual(others);
  await expect.poll(() => roleAt(2), patience).toBe("unregistered");
  await expect.poll(() => valueAfterIncrement(1), patience).toBeGreaterThan(before.value);

  await cluster.kill(2, "SIGTERM");
  await cluster.restart(2);
  await expect.poll(() => waitsFor(2), patience).toMatch(/revoked token \d+/);
});

test("one and the same root twice proves nothing", async () => {
  const same = [checkpointWith("11"), checkpointWith("11")] as const;
  await expect(reportFor(1, same)).rejects.toThrow("reverted");
  expect(await slotsAt(0)).toHaveLength(2);
});

/** Signs as the member at this position does, whose key its enclave holds, and tells the contract. */
async function reportFor(position: number, pair: readonly [Checkpoint, Checkpoint]): Promise<void> {
  const { socketDir } = readRecord(cluster.layout.record) ?? { socketDir: "" };
  const endpoint = guestSocket(socketDir, cluster.nodes[position]?.name ?? "");
  const { wallet } = await openEnclave({ endpoint, log: pino({ level: "silent" }) });
  const { contract } = cluster.deployment;
  const sign = createCheckpointSigner(cluster.deployment, wallet);
  const [a, b] = pair;
  const data = AbiFunction.encodeData(report, [
    checkpointWords(a),
    (await sign(a)) as `0x${string}`,
    checkpointWords(b),
    (await sign(b)) as `0x${string}`,
  ]);
  const rpc = rpcEndpoint(cluster.rpcUrl, 0, 5_000);
  const [from] = (await rpc.call("eth_accounts", [])) as readonly string[];
  const transaction = { from, to: contract, data, gas: "0x7a120" };
  const sent = await rpc.call("eth_sendTransaction", [transaction]);
  const receipt = () => rpc.call("eth_getTransactionReceipt", [sent]);
  await expect.poll(receipt, patience).not.toBeNull();
  const { status } = (await receipt()) as { readonly status: string };
  if (status !== "0x1") throw new Error("the report was reverted");
}

async function slotsAt(position: number): Promise<readonly number[]> {
  const members = await getJson<readonly { readonly slot: number }[]>(`${url(position)}/members`);
  return members.map(({ slot }) => slot);
}

const roleAt = async (position: number) => (await getJson<Status>(`${url(position)}/status`)).role;

async function waitsFor(position: number): Promise<string> {
  try {
    const status = await getJson<{ readonly waitingFor?: string }>(`${url(position)}/status`);
    return status.waitingFor ?? "nothing";
  } catch {
    return "it does not answer yet";
  }
}

async function valueAfterIncrement(position: number): Promise<number> {
  try {
    return (await increment(url(position))).value;
  } catch {
    return 0;
  }
}
