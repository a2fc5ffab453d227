/** `npm run verify-receipt` as a person runs it, offline. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { receiptOf, roster } from "./samples.ts";

let directory: string;
let receiptFile: string;
let rosterFile: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "receipt-"));
  receiptFile = await write("receipt.json", await receiptOf(7));
  rosterFile = await write("roster.json", roster);
});

afterAll(async () => rm(directory, { recursive: true, force: true }));

async function write(name: string, value: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, JSON.stringify(value));
  return path;
}

async function run(args: readonly string[], input = "") {
  const child = spawn(process.execPath, ["scripts/verify-receipt.ts", ...args]);
  child.stdin.end(input);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, output, complaint };
}

test("a receipt that holds is told in a table, with what the entry says", async () => {
  const { code, output } = await run([receiptFile, "--roster", rosterFile]);
  expect(code).toBe(0);
  const lines = output.split("\n");
  expect(lines[0]).toMatch(/^Entry 7 of term 2, 2023-.*: command of the counter \{"by":5\}$/);
  expect(lines.slice(2, 4).join("\n")).toMatch(/^step +result +what was found\nformat +ok /);
  expect(output).toMatch(/signature 5 +ok +by 0x[0-9a-f]{40}, the member in slot 5/);
  expect(output).toMatch(/quorum +ok +3 of 4 members signed, 3 are needed; roster of term 2 at/);
  expect(output).toMatch(/\nThe receipt holds\.\n$/);
});

test("one that does not hold exits with 1 and names the steps", async () => {
  const tampered = await write("tampered.json", { ...(await receiptOf(7)), term: 9 });
  const { code, output } = await run([tampered, "--roster", rosterFile]);
  expect(code).toBe(1);
  expect(output).toMatch(/entry +failed +expected entry 7 of term 9, the bytes say entry 7 of/);
  expect(output).toMatch(/\nThe receipt does not hold: entry\.\n$/);
});

test("it reads standard input, and answers programs in JSON", async () => {
  const mark = JSON.stringify(await receiptOf(8));
  const { code, output } = await run(["-", "--roster", rosterFile, "--json"], mark);
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({
    holds: true,
    entry: { kind: "mark", index: 8, term: 2, application: null, command: null },
    steps: expect.arrayContaining([expect.objectContaining({ step: "quorum", result: "ok" })]),
  });
});

test.each<readonly [args: () => readonly string[], complaint: RegExp]>([
  [() => [], /missing required argument 'file'/],
  [() => [receiptFile, rosterFile], /too many arguments/],
  [() => [receiptFile, "--rpc", "ftp://x"], /Expected an http or https URL/],
  [() => [receiptFile, "--contract", "0x12"], /Expected 0x and 40 hex digits/],
  [() => [receiptFile, "--rpc", "http://127.0.0.1:1"], /--rpc needs --contract/],
  [() => [receiptFile, "--roster", rosterFile, "--save-roster", "x"], /without --roster/],
  [() => [receiptFile, "--roster", receiptFile], /receipt\.json is no saved roster: .*/],
  [() => [join(directory, "none"), "--roster", rosterFile], /ENOENT/],
  [() => [receiptFile, "--data-dir", directory], /there is no local cluster in .*--roster FILE/],
])("what cannot be used as it is given exits with 2", async (args, complaint) => {
  const ended = await run(args());
  expect(ended.complaint).toMatch(complaint);
  expect(ended.code).toBe(2);
  expect(ended.output).toBe("");
});

test("a chain that does not answer is no verdict: it exits with 1 and says so", async () => {
  const place = ["--rpc", "http://127.0.0.1:1", "--contract", roster.contract];
  const { code, complaint } = await run([receiptFile, ...place]);
  expect(code).toBe(1);
  expect(complaint).toMatch(/^error: the chain cannot be reached: rpc 1 \(127\.0\.0\.1:1\)/);
});
