import { expect, onTestFinished, test, vi } from "vitest";
import { main } from "../../../scripts/chaos/main.ts";

type Said = { readonly code: number; readonly out: string; readonly err: string };

async function chaos(...args: readonly string[]): Promise<Said> {
  let [out, err] = ["", ""];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  onTestFinished(() => {
    stdout.mockRestore();
    stderr.mockRestore();
  });
  const code = await main(args);
  return { code, out, err };
}

test("--help lists every option, every fault, and examples", async () => {
  const { code, out } = await chaos("--help");
  expect(code).toBe(0);
  for (const expected of ["--nodes", "--seed", "pause-at-quorum", "Examples:", "Exit code:"]) {
    expect(out).toContain(expected);
  }
});

test.for([
  ["--nodes", "2", "Expected a whole number from 3 to 9."],
  ["--seed", "-1", "Expected a whole number from 0 to 4294967295."],
  ["--faults", "kill,earthquake", 'There is no fault "earthquake"; expected some of kill, pause,'],
  ["--sceonds", "3", "unknown option '--sceonds'"],
] as const)("%s %s is refused with exit code 2", async ([option, value, reason]) => {
  const { code, err } = await chaos(option, value);
  expect(code).toBe(2);
  expect(err).toContain(reason);
});

test("--dry-run prints the schedule of a seed and starts nothing", async () => {
  const { code, out } = await chaos("--seed", "42", "--dry-run", "--faults", "kill,isolate");
  expect(code).toBe(0);
  expect(out).toMatch(/^seed 42: \d+ faults on 3 nodes, 8 clients$/m);
  expect(out).toMatch(/^1\. +at 2\.00 s +for \d\.\d\d s +(kill|isolate) +(leader|follower \d)$/m);
});

test("a schedule for containers has no fault that they cannot bring about", async () => {
  const { code, out } = await chaos("--docker", "--dry-run", "--faults", "isolate,lossy-links");
  expect(code).toBe(0);
  expect(out).toContain(" isolate ");
  expect(out).not.toContain("lossy-links");
});

test("faults of which none is possible with containers are refused with exit code 2", async () => {
  const { code, err } = await chaos("--docker", "--faults", "slow-links,resets");
  expect(code).toBe(2);
  expect(err).toMatch(/^error: none of slow-links, resets is possible: docker's networks part/);
});
