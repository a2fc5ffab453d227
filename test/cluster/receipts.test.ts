/** Receipts of a real cluster, held against the real contract. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Receipt } from "../../node/src/runtime/receipt.ts";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { getJson, type Incremented, increment, type Status } from "../support/clients.ts";

type Problem = { readonly code: string; readonly certifiedIndex?: number };
type Checked = {
  readonly holds: boolean;
  readonly steps: readonly {
    readonly step: string;
    readonly result: string;
    readonly detail: string;
  }[];
  readonly entry: { readonly kind: string; readonly command: unknown };
};

let cluster: Cluster;
let dataDir: string;
let workDir: string;
const positions = [0, 1, 2] as const;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  workDir = await mkdtemp(join(tmpdir(), "receipts-"));
  const nodeEnvironment = { CHECKPOINT_MS: "500" };
  cluster = await startCluster({ dataDir, nodeCount: 3, basePort: 18_481, nodeEnvironment });
});

afterAll(async () => {
  await cluster?.stop();
  for (const directory of [dataDir, workDir]) {
    await rm(directory, { recursive: true, force: true });
  }
});

test("every node hands out a receipt that holds offline and on-chain", async () => {
  const { index } = await write(0, 7);
  for (const position of positions) {
    const receipt = await receiptFrom(position, index);
    const checked = await verify(receipt, ["--on-chain"]);
    expect(checked.holds).toBe(true);
    expect(checked.entry).toMatchObject({ kind: "command", command: { by: 7 } });
    expect(resultOf(checked, "on-chain")).toMatchObject({ result: "ok" });
  }
  await expect
    .poll(() => getJson<Status>(`${url(0)}/status`), { timeout: 20_000 })
    .toMatchObject({ lagEntries: 0, checkpoint: { coldTerm: 0 }, anchor: null });
});

test("the contract and the script find a changed entry out", async () => {
  const { index } = await write(1);
  const receipt = await receiptFrom(0, index);
  const last = receipt.entry.endsWith("1") ? "2" : "1";
  const entry: Receipt["entry"] = `0x${receipt.entry.slice(2, -1)}${last}`;
  const changed = { ...receipt, entry };
  const checked = await verify(changed, ["--on-chain"]);
  expect(checked.holds).toBe(false);
  expect(resultOf(checked, "Merkle path")).toMatchObject({ result: "failed" });
  expect(resultOf(checked, "on-chain")).toMatchObject({
    result: "failed",
    detail: "verifyReceipt answers false",
  });
});

test("the contract says why when too few signed", async () => {
  const receipt = await receiptFrom(0, 1);
  const checked = await verify({ ...receipt, signatures: receipt.signatures.slice(0, 1) }, [
    "--on-chain",
  ]);
  expect(resultOf(checked, "quorum").result).toBe("failed");
  expect(resultOf(checked, "on-chain").detail).toMatch(/refused verifyReceipt: QuorumNotReached/);
});

test("a receipt holds against a roster that was saved, without the chain", async () => {
  const receipt = await receiptFrom(2, 1);
  const saved = join(workDir, "roster.json");
  await verify(receipt, ["--save-roster", saved]);
  const offline = await run(receipt, ["--roster", saved, "--json"]);
  expect(JSON.parse(offline)).toMatchObject({ holds: true, entry: { kind: "term-start" } });
});

test("an entry that is not there yet has no receipt yet", async () => {
  const { commitIndex } = await getJson<Status>(`${url(0)}/status`);
  const response = await fetch(`${url(0)}/receipts/${commitIndex + 1_000}`);
  expect(response.status).toBe(404);
  expect(response.headers.get("retry-after")).toBe("1");
  const problem = (await response.json()) as Problem;
  expect(problem.code).toBe("receipt.notYet");
  expect(problem.certifiedIndex).toBeGreaterThan(0);
});

test("marks and checkpoints are in the log that people read", async () => {
  const { entries } = await getJson<{ entries: { kind: string; command: unknown }[] }>(
    `${url(0)}/log?from=1&limit=1000`,
  );
  expect(entries.map(({ kind }) => kind)).toContain("mark");
  const checkpoint = entries.find(({ kind }) => kind === "checkpoint");
  expect(checkpoint?.command).toMatchObject({ coldTerm: 0, index: expect.any(Number) });
});

test("after the leader was killed the others hand out receipts of old and new entries", async () => {
  const before = await write(0);
  const leader = await leaderPosition();
  await cluster.kill(leader, "SIGKILL");
  const others = positions.filter((position) => position !== leader);
  const after = await write(others[0] ?? 0);
  for (const position of others) {
    for (const { index } of [before, after]) {
      const receipt = await receiptFrom(position, index, after.index);
      expect((await verify(receipt, ["--on-chain"])).holds).toBe(true);
    }
  }
  await cluster.restart(leader);
  await cluster.waitUntilServing(20_000);
  expect((await verify(await receiptFrom(leader, before.index), [])).holds).toBe(true);
});

test("entries from before a restart of all have receipts that name the cold start", async () => {
  const before = await write(2);
  await Promise.all(positions.map((position) => cluster.kill(position, "SIGKILL")));
  await Promise.all(positions.map((position) => cluster.restart(position)));
  await cluster.waitUntilServing(30_000);
  for (const position of positions) {
    const receipt = await receiptFrom(position, before.index);
    expect(receipt.checkpoint.coldTerm).toBeGreaterThan(0);
    const checked = await verify(receipt, ["--on-chain"]);
    expect(checked.holds).toBe(true);
    expect(resultOf(checked, "cold term").result).toBe("ok");
  }
});

const url = (position: number): string => cluster.nodes[position]?.url ?? "";

/** Made again under its key until a leader acknowledges it. */
async function write(position: number, by = 1): Promise<Incremented> {
  const key = randomUUID();
  let answer: Incremented | null = null;
  const acknowledged = async () => {
    answer = await increment(url(position), { by, key }).catch(() => null);
    return answer !== null;
  };
  await expect.poll(acknowledged, { timeout: 20_000 }).toBe(true);
  return answer ?? expect.unreachable();
}

/** Waits until a quorum has signed a checkpoint that covers it, and `covering` too. */
async function receiptFrom(position: number, index: number, covering = index): Promise<Receipt> {
  let found: Receipt | null = null;
  const ask = async () => {
    const response = await fetch(`${url(position)}/receipts/${index}`);
    const body = (await response.json()) as Receipt | Problem;
    found = response.ok ? (body as Receipt) : null;
    return found?.checkpoint.index ?? 0;
  };
  await expect.poll(ask, { timeout: 20_000 }).toBeGreaterThanOrEqual(covering);
  return found ?? expect.unreachable();
}

async function verify(receipt: Receipt, args: readonly string[]): Promise<Checked> {
  return JSON.parse(await run(receipt, ["--data-dir", dataDir, "--json", ...args])) as Checked;
}

/** Whether the receipt holds is in the output; the exit code must say the same. */
async function run(receipt: Receipt, args: readonly string[]): Promise<string> {
  const file = join(workDir, "receipt.json");
  await writeFile(file, JSON.stringify(receipt));
  const command = ["scripts/verify-receipt.ts", file, ...args];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      const holds = stdout.includes('"holds": true');
      if (stdout !== "" && code === (holds ? 0 : 1)) resolve(stdout);
      else reject(new Error(`exit code ${code}: ${stdout}${stderr}`));
    });
  });
}

function resultOf({ steps }: Checked, name: string) {
  return steps.find(({ step }) => step === name) ?? expect.unreachable(`no step ${name}`);
}

async function leaderPosition(): Promise<number> {
  let found = -1;
  const ask = async () => {
    const statuses = await Promise.all(
      positions.map((position) => getJson<Status>(`${url(position)}/status`)),
    );
    found = statuses.findIndex(({ role }) => role === "leader");
    return found;
  };
  await expect.poll(ask, { timeout: 20_000 }).toBeGreaterThanOrEqual(0);
  return found;
}
