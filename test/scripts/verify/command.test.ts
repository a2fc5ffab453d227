/** `npm run verify` where no cluster is. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../support/processes.ts";
import { run } from "./run.ts";

const contract = `0x${"5f".repeat(20)}`;
const nowhere = "http://127.0.0.1:1";
let directory: string;
let chain: Server;
let rpc: string;
/** What the chain answers, by method. */
let answers: Readonly<Record<string, unknown>> = {};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "verify-"));
  await writeFile(join(directory, "text"), "no certificate");
  chain = createServer(async (request, response) => {
    const { method } = JSON.parse(await text(request)) as { method: string };
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...(answers[method] ?? {}) }));
  });
  await new Promise<void>((resolve) => chain.listen(0, "127.0.0.1", resolve));
  rpc = `http://127.0.0.1:${(chain.address() as AddressInfo).port}`;
});
afterAll(async () => {
  chain.close();
  await rm(directory, { recursive: true, force: true });
});

test.each<readonly [args: () => readonly string[], complaint: RegExp]>([
  [() => ["ftp://x"], /expected a node's http URL or a contract's address .*, got ftp:\/\/x/],
  [() => ["0x12"], /expected a node's http URL or a contract's address .*, got 0x12/],
  [() => [nowhere, contract], /too many arguments/],
  [() => [contract, "--contract", contract], /--contract pins the contract of a node's URL/],
  [() => [contract], /expected --rpc URL: which chain 0x(5f){20} belongs to is not its own/],
  [() => [nowhere], /expected --rpc URL: which chain http:\/\/127\.0\.0\.1:1 belongs to/],
  [() => ["--data-dir", directory], /there is no local cluster in .*: expected a node's URL/],
  [() => [contract, "--rpc", "x"], /Expected an http or https URL/],
  [() => [contract, "--rpc", nowhere, "--rpc", nowhere], /Expected different URLs/],
  [() => [nowhere, "--contract", "0x12"], /Expected 0x and 40 hex digits/],
  [() => [contract, "--compose-hash", "12"], /Expected 64 hex digits/],
  [() => [contract, "--tcb-policy", "UpToDate,Fine"], /Expected some of UpToDate, SWHardening/],
  [() => [contract, "--tcb-policy", "Revoked"], /Expected some of UpToDate, /],
  [() => [contract, "--max-age", "0"], /Expected a whole number of seconds from 1/],
  [() => [contract, "--timeout", "1.5"], /Expected a whole number of seconds from 1/],
  [() => [contract, "--root", "dev", "--data-dir", directory], /--root dev is a local cluster's/],
  [() => [contract, "--root", join(directory, "none")], /ENOENT/],
  [() => [contract, "--root", join(directory, "text")], /certificate/],
  [() => [contract, "--measurements", join(directory, "text")], /measurements cannot be read/],
])("what cannot be used as it is given exits with 2", async (args, complaint) => {
  const ended = await run(...args(), ...(args().includes("--data-dir") ? [] : noCluster()));
  expect(ended.complaint).toMatch(complaint);
  expect(ended.code).toBe(2);
  expect(ended.output).toBe("");
});

const noCluster = () => ["--data-dir", directory];

test.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
  [
    "an address without code",
    { eth_chainId: { result: "0x1" }, eth_getCode: { result: "0x" } },
    /error: 0x(5f){20} is not the membership contract: no code lies there, on chain 1/,
  ],
  [
    "another contract",
    {
      eth_chainId: { result: "0x1" },
      eth_getCode: { result: "0x60" },
      eth_getBlockByNumber: {
        result: { number: "0x1", hash: "0xaa", parentHash: "0xbb", timestamp: "0x1" },
      },
      eth_call: { error: { code: 3, message: "execution reverted", data: "0x" } },
    },
    /is not the membership contract: it refuses cluster\(\), on chain 1/,
  ],
  ["a chain that is away", {}, /error: the chain cannot be reached: rpc 1 /],
])("%s is no verdict: it exits with 1 and says so", async (_what, given, complaint) => {
  answers = given;
  const ended = await run(contract, "--rpc", rpc, "--timeout", "5", ...noCluster());
  expect(ended.complaint).toMatch(complaint);
  expect(ended.code).toBe(1);
  expect(ended.output).toBe("");
});

test("a node that does not answer names no contract", async () => {
  const away = `http://127.0.0.1:${await freePort()}`;
  const ended = await run(away, "--rpc", rpc, ...noCluster());
  expect(ended.complaint).toMatch(/ does not name its contract: \/status: .*ECONNREFUSED/);
  expect(ended.code).toBe(1);
});

test("help is no misuse", async () => {
  const { code, output } = await run("--help");
  expect(code).toBe(0);
  expect(output).toMatch(/^Usage: npm run verify -- \[options\] \[target\]/);
});

test("the process ends with the code", async () => {
  const child = spawn(process.execPath, ["scripts/verify.ts", "ftp://x"]);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect({ output, code: await exited }).toEqual({ output: "", code: 2 });
  expect(complaint).toMatch(/expected a node's http URL/);
});
