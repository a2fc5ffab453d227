/** `npm run compose-hash` as a person runs it, against a real chain and the real contract. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Anvil, startAnvil } from "../../support/anvil.ts";
import { deployMembership } from "../../support/membership.ts";

const pinned = `services:\n  node:\n    image: x/y@sha256:${"ab".repeat(32)}\n`;
const content = JSON.stringify({ name: "a", docker_compose_file: pinned });
const hash = createHash("sha256").update(content).digest("hex");
const nobody = `0x${"11".repeat(20)}`;

let directory: string;
let file: string;
let openFile: string;
let anvil: Anvil;
let contract: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "compose-hash-"));
  file = await write("app-compose.json", content);
  openFile = await write("open.json", content.replace("@sha256:", ":"));
  anvil = await startAnvil();
  const deployed = await deployMembership(anvil, {
    kmsRoot: `0x${"22".repeat(20)}`,
    appId: "33".repeat(20),
    genesisSize: 1,
  });
  contract = deployed.contract;
});

afterAll(async () => {
  await anvil?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function write(name: string, bytes: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

async function run(args: readonly string[], input = "") {
  const child = spawn(process.execPath, ["scripts/compose-hash.ts", ...args]);
  child.stdin.end(input);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, output, complaint };
}

const onChain = () => ["--rpc", anvil.url, "--contract", contract];

async function isAllowed(): Promise<boolean> {
  const data = `0x${selectors.allowed}${hash}`;
  return BigInt(await anvil.rpc<string>("eth_call", [{ to: contract, data }, "latest"])) === 1n;
}

/** Of `cast sig`, so that the call is not checked against the code that made it. */
const selectors = {
  allowed: "2f6622e5",
  add: "dfc77223",
  remove: "67b3f22c",
  transferOwnership: "f2fde38b",
  acceptOwnership: "79ba5097",
};

/** In the contract's two steps. `eth_accounts` does not name an account that is impersonated. */
async function makeOwner(wallet: string): Promise<void> {
  const [owner] = await anvil.rpc<readonly string[]>("eth_accounts");
  const transfer = `0x${selectors.transferOwnership}${wallet.slice(2).padStart(64, "0")}`;
  await anvil.rpc("eth_sendTransaction", [{ from: owner, to: contract, data: transfer }]);
  await anvil.rpc("anvil_setBalance", [wallet, "0xde0b6b3a7640000"]);
  await anvil.rpc("anvil_impersonateAccount", [wallet]);
  const accept = `0x${selectors.acceptOwnership}`;
  await anvil.rpc("eth_sendTransaction", [{ from: wallet, to: contract, data: accept }]);
}

test("the hash is all of the output, of a file and of standard input", async () => {
  expect(await run([file])).toEqual({ code: 0, output: `${hash}\n`, complaint: "" });
  expect(await run(["-"], content)).toEqual({ code: 0, output: `${hash}\n`, complaint: "" });
});

test("what it leaves open is a warning, and a failure with --strict", async () => {
  const warned = await run([openFile]);
  expect(warned).toMatchObject({ code: 0, output: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(warned.complaint).toMatch(/^warning: .*open\.json: line 3 names an image without digest/);
  expect(await run([openFile, "--strict"])).toEqual({ ...warned, code: 1 });
});

test("the owner's account adds and removes it, and what the contract says is read back", async () => {
  const added = await run([file, "--add", ...onChain()]);
  expect(added).toMatchObject({ code: 0, complaint: "" });
  expect(added.output).toBe(
    `${hash}\nThe contract ${contract.toLowerCase()} of chain 31337 allows it: read back.\n`,
  );
  expect(await isAllowed()).toBe(true);

  const block = await anvil.rpc("eth_blockNumber");
  const again = await run([file, "--add", "--json", ...onChain()]);
  expect(JSON.parse(again.output)).toMatchObject({ outcome: { kind: "already", chainId: 31337 } });
  expect(await anvil.rpc("eth_blockNumber")).toBe(block);

  const removed = await run([file, "--remove", ...onChain()]);
  expect(removed.output).toMatch(/ does not allow it: read back\.\n$/);
  expect(await isAllowed()).toBe(false);
});

test("--strict adds nothing that leaves an image open", async () => {
  const block = await anvil.rpc("eth_blockNumber");
  expect((await run([openFile, "--strict", "--add", ...onChain()])).code).toBe(1);
  expect(await anvil.rpc("eth_blockNumber")).toBe(block);
});

test("where the chain does not sign for the owner it prints the call for the owner's wallet", async () => {
  await makeOwner(nobody);

  const { code, output } = await run([file, "--add", ...onChain()]);
  expect(code).toBe(1);
  expect(output).toContain(`Nothing was sent: chain 31337 does not sign for ${nobody}, the contr`);
  expect(output).toContain(`calldata  0x${selectors.add}${hash}\n`);
  expect(await isAllowed()).toBe(false);

  // What is printed does it, sent by whoever the owner is.
  const [calldata] = /0x[0-9a-f]{72}$/m.exec(output) ?? [];
  await anvil.rpc("eth_sendTransaction", [{ from: nobody, to: contract, data: calldata }]);
  expect(await isAllowed()).toBe(true);
});

test("--calldata asks no chain", async () => {
  const { code, output } = await run([file, "--remove", "--calldata", "--contract", nobody]);
  expect(code).toBe(0);
  expect(output.split("\n")).toEqual([
    hash,
    `to        ${nobody}`,
    "function  removeComposeHash(bytes32)",
    `argument  0x${hash}`,
    `calldata  0x${selectors.remove}${hash}`,
    "",
  ]);
});

test("a chain that has no such contract, or does not answer, exits with 1", async () => {
  const absent = await run([file, "--add", "--rpc", anvil.url, "--contract", nobody]);
  expect(absent).toMatchObject({
    code: 1,
    complaint: `error: there is no contract at ${nobody} on this chain\n`,
  });
  const silent = await run([file, "--add", "--rpc", "http://127.0.0.1:1", "--contract", nobody]);
  expect(silent).toMatchObject({ code: 1, complaint: expect.stringMatching(/ECONNREFUSED/) });
});

test.each<readonly [args: () => readonly string[], complaint: RegExp]>([
  [() => [], /missing required argument 'file'/],
  [() => [join(directory, "none")], /ENOENT/],
  [() => [import.meta.filename], /composeHashCommand\.test\.ts: it is no app-compose\.json: /],
  [() => [file, "--add", "--remove"], /--add and --remove exclude each other/],
  [() => [file, "--add"], /need --contract/],
  [() => [file, "--add", "--contract", nobody], /need --rpc, or --calldata/],
  [() => [file, "--rpc", "http://127.0.0.1:1"], /need --add or --remove/],
  [() => [file, "--add", "--calldata", ...onChain()], /--calldata asks no chain/],
  [() => [file, "--contract", "0x12"], /Expected 0x and 40 hex digits/],
  [() => [file, "--rpc", "ftp://x"], /Expected an http or https URL/],
])("what cannot be used as it is given exits with 2", async (args, complaint) => {
  const ended = await run(args());
  expect(ended.complaint).toMatch(complaint);
  expect(ended).toMatchObject({ code: 2, output: "" });
});
