/** A real cluster, checked from outside; the third member is reached through a proxy that can lie. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Command } from "../../scripts/cluster/child.ts";
import type { Cluster } from "../../scripts/cluster/handle.ts";
import { startCluster } from "../../scripts/cluster/launch.ts";
import { attestationRoot } from "../../scripts/cluster/layout.ts";
import { pccsPortOf } from "../../scripts/cluster/ports.ts";
import { readRecord } from "../../scripts/cluster/record.ts";
import { type NodeProxy, startNodeProxy } from "../scripts/verify/nodeProxy.ts";
import { type Document, type Finding, type Member, run } from "../scripts/verify/run.ts";
import { increment } from "../support/clients.ts";
import { startRpcProxy } from "../support/rpcProxy.ts";
import { startSimulator } from "../support/simulator.ts";

const basePort = 19_900;
let cluster: Cluster;
let dataDir: string;
let proxy: NodeProxy;
/** What a node is started with, over what the launcher gives it. */
let overrides: Readonly<Record<number, Readonly<Record<string, string>>>> = {};
const url = (position: number): string => cluster.nodes[position]?.url ?? "";
const third = `http://127.0.0.1:${basePort + 2}`;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-cluster-"));
  proxy = await startNodeProxy(third);
  overrides = { 3: { ENDPOINT: proxy.url } };
  const adaptNode = (number: number, command: Command): Command => ({
    ...command,
    env: { ...command.env, ...overrides[number] },
  });
  const nodeEnvironment = { CHECKPOINT_MS: "500" };
  cluster = await startCluster({ dataDir, nodeCount: 3, basePort, nodeEnvironment, adaptNode });
  await increment(url(0));
});

afterEach(() => {
  proxy.lie(null);
  proxy.cut(false);
});

afterAll(async () => {
  await cluster?.stop();
  await proxy?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Of the local cluster, as its node1 or another target leads to it. */
async function verify(...args: readonly string[]): Promise<Document> {
  const { code, output, complaint } = await run(
    ...["--data-dir", dataDir, "--root", "dev", "--json", ...args],
  );
  expect(complaint).toBe("");
  const document = JSON.parse(output) as Document;
  expect(code).toBe(document.verified ? 0 : 1);
  return document;
}

const memberAt = ({ members }: Document, endpoint: string): Member =>
  members.find((member) => member.endpoint === endpoint) ?? expect.unreachable();
const failuresOf = ({ findings }: Member): readonly string[] =>
  findings.filter(({ result }) => result === "failed").map(({ check }) => check);
const findingOf = ({ findings }: Member, name: string): Finding =>
  findings.find(({ check }) => check === name) ?? expect.unreachable(`no check ${name}`);

/** What fails at the third member; the others must pass. */
async function failuresAtProxy(): Promise<readonly string[]> {
  const document = await verify(url(0));
  expect(document.verified).toBe(false);
  for (const position of [0, 1]) {
    expect(failuresOf(memberAt(document, url(position)))).toEqual([]);
  }
  return failuresOf(memberAt(document, proxy.url));
}

test("every member passes every check, under the root that the caller trusts", async () => {
  const document = await verify(url(0));
  expect(document.verified).toBe(true);
  expect(document.contract).toMatchObject({ ...{ pinned: true }, address: contract() });
  expect(document.members.map(({ findings }) => findings.map(({ result }) => result))).toEqual(
    document.members.map(({ findings }) => findings.map(() => "ok")),
  );
  expect(document.commonCheckpoint?.index).toBeGreaterThan(0);
  const groups = new Set(document.members.flatMap(({ findings }) => findings.map((f) => f.group)));
  expect([...groups]).toEqual(
    expect.arrayContaining([
      ...["chain of trust", "measurements", "freshness", "roster", "same log root"],
    ]),
  );
});

const contract = () => cluster.deployment.contract.toLowerCase();

test("the command prints a table a member, and ends with 0", async () => {
  const command = ["scripts/verify.ts", contract(), "--data-dir", dataDir, "--root", "dev"];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, command, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`exit code ${error.code}: ${stdout}${stderr}`));
    });
  });
  expect(output).toMatch(/^root +"Simulated SGX Root CA": not Intel's, /m);
  expect(output.match(/^slot \d(, leader)?: 0x[0-9a-f]{40} at http:.*: ok$/gm)).toHaveLength(3);
  expect(output).toMatch(/\nVerified: all 3 members pass\.\n$/);
});

test("under Intel's root, the default, nothing simulated passes; it says whose root it is", async () => {
  const { code, output } = await run(url(0), "--data-dir", dataDir);
  expect(code).toBe(1);
  expect(
    output.match(/chain of trust +chain of trust +FAIL +expected a quote that "Intel/g),
  ).toHaveLength(3);
  expect(output).toMatch(/Quotes lead to the root "Simulated SGX Root CA"\. .* --root dev/);
  expect(output).toMatch(/\nNOT verified: 0 of 3 members pass; /);
});

test("without a data directory it needs a chain, a root's file, and says what is not pinned", async () => {
  const record = readRecord(cluster.layout.record);
  const root = attestationRoot(record?.socketDir ?? "");
  const elsewhere = ["--data-dir", join(dataDir, "none"), "--rpc", cluster.rpcUrl, "--root", root];
  const { code, output } = await run(url(1), ...elsewhere);
  expect(code).toBe(0);
  expect(output).toMatch(
    /^contract +0x[0-9a-f]{40} on chain 31337, as http:.* names it: not pinned/,
  );
  const pinned = await run(url(1), ...elsewhere, "--contract", contract(), "--json");
  expect(JSON.parse(pinned.output)).toMatchObject({ contract: { pinned: true } });
  const wrong = await run(url(1), ...elsewhere, "--contract", `0x${"12".repeat(20)}`);
  expect(wrong).toMatchObject({ code: 1, output: "" });
  expect(wrong.complaint).toMatch(/is not the membership contract: no code lies there/);
});

test("a node asked for at a URL that the contract does not list is checked there as well", async () => {
  const document = await verify(third);
  expect(document.verified).toBe(true);
  expect(document.given).toMatchObject({ endpoint: third, passes: true });
  expect(document.given?.wallet).toBe(memberAt(document, proxy.url).wallet);
});

test("a member that serves another's attestation fails", async () => {
  proxy.lie(async (path, ask) => (path.startsWith("/attestation") ? ask(url(0)) : null));
  expect(await failuresAtProxy()).toEqual(
    expect.arrayContaining(["instance id", "wallet", "report data", "wallet signature"]),
  );
});

test("a member that serves an attestation from before fails at the nonce alone", async () => {
  let first: object | null = null;
  proxy.lie(async (path, ask) => {
    if (!path.startsWith("/attestation")) return null;
    first ??= await ask();
    return first;
  });
  await verify(url(0));
  expect(await failuresAtProxy()).toEqual(["nonce"]);
});

test("a member that forges its roster, its term or its leader fails", async () => {
  proxy.lie(async (path, ask) => {
    const answer = await ask();
    if (path === "/members") {
      return (answer as { wallet: string }[]).map((row) => ({ ...row, wallet: contract() }));
    }
    return path === "/status" ? { ...answer, term: 99, leader: null } : null;
  });
  expect(await failuresAtProxy()).toEqual(["term", "leader", "members"]);
});

test("a member that shows no checkpoints, or others' as its own, fails", async () => {
  proxy.lie(async (path, ask) =>
    path.startsWith("/attestation") ? { ...(await ask()), checkpoints: [] } : null,
  );
  expect(await failuresAtProxy()).toEqual(["log root"]);

  proxy.lie(async (path, ask) => {
    if (!path.startsWith("/attestation")) return null;
    const { checkpoints } = (await ask(url(0))) as { checkpoints: unknown };
    return { ...(await ask()), checkpoints };
  });
  expect(new Set(await failuresAtProxy())).toEqual(new Set(["log root", "checkpoint signature"]));
});

test("collateral that a member doctored leaves its chain of trust open", async () => {
  proxy.lie(async (path, ask) => {
    if (!path.startsWith("/attestation")) return null;
    const answer = (await ask()) as { collateral: { tcbInfo: string } };
    const tcbInfo = answer.collateral.tcbInfo.replace("UpToDate", "OutOfDate");
    return { ...answer, collateral: { ...answer.collateral, tcbInfo } };
  });
  expect(await failuresAtProxy()).toEqual(["collateral"]);
  const service = `http://127.0.0.1:${pccsPortOf(basePort)}`;
  expect((await verify(url(0), "--pccs", service)).verified).toBe(true);
});

test("a member that is down fails, and may be spared by who is content with a quorum", async () => {
  proxy.cut(true);
  expect(await failuresAtProxy()).toEqual(["attestation"]);
  const { code, output } = await run(
    ...[url(0), "--data-dir", dataDir, "--root", "dev"],
    "--quorum",
  );
  expect(code).toBe(0);
  expect(output).toMatch(
    /\nVerified by a quorum of 2: 2 of 3 members pass; slot \d fails at attestation\.\n$/,
  );
});

test("what the caller expects counts beside the contract's lists", async () => {
  const document = await verify(url(0), "--compose-hash", "12".repeat(32));
  expect(document.members.map(failuresOf)).toEqual(
    document.members.map(() => ["compose hash, by caller"]),
  );
  const { actual } = findingOf(memberAt(document, url(0)), "compose hash");
  expect((await verify(url(0), "--compose-hash", `0x${actual}`)).verified).toBe(true);
});

test("endpoints of the chain that disagree are no basis for a verdict", async () => {
  const liar = await startRpcProxy(cluster.rpcUrl);
  try {
    liar.tamper(async ({ method }, answer) =>
      method === "eth_chainId" ? '{"jsonrpc":"2.0","id":1,"result":"0x1"}' : answer(),
    );
    const both = ["--rpc", cluster.rpcUrl, "--rpc", liar.url, "--timeout", "5"];
    const { code, output, complaint } = await run(contract(), ...both);
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(complaint).toMatch(/the chain is disputed: rpc 1 \(.*\), rpc 2 \(.*\) disagree/);
  } finally {
    await liar.stop();
  }
});

test("a member that restarted is known by the log's entry that names its new boot", async () => {
  await cluster.kill(1, "SIGKILL");
  await cluster.restart(1);
  await cluster.waitUntilServing(90_000);
  const proven = async () => {
    const document = await verify(url(0));
    return findingOf(memberAt(document, url(1)), "boot key").actual;
  };
  await expect
    .poll(proven, { timeout: 60_000 })
    .toMatch(/^named by entry \d+, whose receipt [23] members signed; 3 of 3 members/);
  expect((await verify(url(0))).verified).toBe(true);
}, 240_000);

test("a member that was started with another compose file fails at its measurements", async () => {
  const file = join(dataDir, "..", `compose-${process.pid}.json`);
  await writeFile(file, '{"manifest_version":2,"name":"another","runner":"docker-compose"}');
  const { appId } = cluster.deployment;
  const simulator = await startSimulator({
    args: [...["--instance", "node3", "--app-id", appId], ...["--app-compose", file]],
  });
  try {
    await cluster.kill(2, "SIGKILL");
    overrides = {
      3: { ENDPOINT: proxy.url, DSTACK_SIMULATOR_ENDPOINT: simulator.sockets[0] ?? "" },
    };
    await cluster.restart(2);
    const failures = async () => {
      const { findings } = memberAt(await verify(url(0)), proxy.url);
      return findings.filter(({ result }) => result === "failed");
    };
    const failure = expect.objectContaining({ check: "compose hash" });
    await expect.poll(failures, { timeout: 60_000 }).toContainEqual(failure);
    const member = memberAt(await verify(url(0)), proxy.url);
    expect(findingOf(member, "compose hash")).toMatchObject({
      expected: "one that the contract allows",
      actual: simulator.composeHash,
    });
    // The hardware is genuine, and so is the wallet: the image is not.
    expect(failuresOf(member)).not.toContain("chain of trust");
    expect(failuresOf(member)).not.toContain("derived key");
  } finally {
    await simulator.stop();
    await rm(file, { force: true });
  }
}, 240_000);
