/** The program itself, for seconds: whole with restarts, and ended early. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { becomes } from "../../../scripts/cluster/wait.ts";
import { type Sample, seriesNames } from "../../../scripts/soak/series.ts";

const timeoutMs = 180_000;
const out = mkdtempSync(join(tmpdir(), "dstack-soak-"));
let running: ChildProcess | null = null;

afterEach(() => {
  running?.kill("SIGTERM");
  rmSync(out, { recursive: true, force: true });
});

test(
  "a short run samples every node, restarts them, and accounts for every write",
  async () => {
    const { code, output } = await soak(
      ...["--hours", "0.005", "--sample-every", "0.5", "--restarts", "0.1"],
      ...["--clients", "4", "--base-port", "19800"],
    ).ended;
    const samples = samplesIn(out);
    expect(new Set(samples.map(({ node }) => node))).toEqual(new Set(["node1", "node2", "node3"]));
    for (const name of seriesNames) {
      expect(samples.filter(({ [name]: value }) => value !== null).length, name).toBeGreaterThan(3);
    }
    expect(new Set(samples.map(({ pid }) => pid)).size).toBeGreaterThan(3);
    expect(output).toMatch(/ [1-9]\d* restarts; /);
    expect(output).toMatch(/^writes: [1-9]\d* acknowledged, .*: each counted once$/m);
    // So short a run may see a trend in anything; what counts is that the two agree.
    expect(code, output).toBe(/GROWS$/m.test(output) ? 1 : 0);
    expect(existsSync(join(out, "cluster"))).toBe(code !== 0);
  },
  timeoutMs,
);

test(
  "Ctrl-C ends it early, with its report",
  async () => {
    const { child, ended } = soak("--nodes", "1", "--sample-every", "0.2", "--base-port", "19800");
    const sampled = becomes(() => samplesIn(out).length >= 3, timeoutMs);
    // What it wrote tells why, when it ends before.
    expect(await Promise.race([sampled, ended])).toBe(true);
    child.kill("SIGINT");
    const { output } = await ended;
    expect(output).toContain("ending early");
    expect(output).toMatch(/each counted once$/m);
    expect(readFileSync(join(out, "report.txt"), "utf8")).toContain("resident memory");
  },
  timeoutMs,
);

test("a wrong option is named", async () => {
  const { code, output } = await soak("--hours", "0").ended;
  expect(output).toContain("Expected a number above 0");
  expect(code).toBe(2);
});

function samplesIn(directory: string): readonly Sample[] {
  const file = join(directory, "samples.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((text) => JSON.parse(text) as Sample);
}

function soak(...options: readonly string[]) {
  const child = spawn(process.execPath, [join("scripts", "soak.ts"), "--out", out, ...options]);
  running = child;
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<{ readonly code: number | null; readonly output: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, output })),
  );
  return { child, ended };
}
