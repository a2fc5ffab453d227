import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tallyOf } from "../../../scripts/ci/tally.ts";
import { temporaryDir } from "../cluster/program.ts";

const vitestPassed = `
 Test Files  41 passed (41)
      Tests  310 passed | 2 skipped (312)
   Start at  00:11:30
`;
const vitestFailed = "      Tests  1 failed | 5 passed (6)\n";
const vitestColoured =
  "\u001b[2m      Tests \u001b[22m \u001b[1m\u001b[32m7 passed\u001b[39m (7)\n";
const forge =
  "ok  contracts: tests (8.1 s)\n240 tests passed, 0 failed, 0 skipped (240 total tests)\n";
const forgeFailed =
  "Ran 3 test suites in 2.1s: 8 tests passed, 2 failed, 0 skipped (10 total tests)\n";

test("all suites are summed", () => {
  expect(tallyOf(vitestPassed + forge + vitestColoured)).toEqual({ passed: 557, failed: 0 });
});

test("failures of either kind are summed", () => {
  expect(tallyOf(vitestFailed + forgeFailed)).toEqual({ passed: 13, failed: 3 });
});

test("files are not counted as tests", () => {
  expect(tallyOf(" Test Files  3 failed | 38 passed (41)\n")).toEqual({ passed: 0, failed: 0 });
});

test("the last line tells, and the exit code agrees", async () => {
  expect(await summary(vitestPassed)).toEqual({ last: "310 passed, 0 failed", code: 0 });
  expect(await summary(vitestFailed, "npm test")).toEqual({ last: "5 passed, 1 failed", code: 1 });
});

test("a step that fails without a failed test counts as one", async () => {
  expect(await summary(vitestPassed, "npm test")).toEqual({
    last: "310 passed, 1 failed",
    code: 1,
  });
});

test("a check in which nothing ran has not passed", async () => {
  expect(await summary("")).toEqual({ last: "0 passed, 0 failed", code: 1 });
});

async function summary(
  output: string,
  ...failedSteps: readonly string[]
): Promise<{ readonly last: string | undefined; readonly code: number | null }> {
  const file = join(await temporaryDir(), "output");
  await writeFile(file, output);
  const args = [join("scripts", "ci", "summary.ts"), file, ...failedSteps];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { last: stdout.trimEnd().split("\n").at(-1), code: status };
}
