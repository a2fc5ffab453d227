/**
 * The last line of a whole check: `N passed, N failed`.
 *
 * Arguments: a file with all that the checks printed, then the steps that failed, one by one.
 * Exit codes: 0 when tests ran and all passed, else 1.
 */
import { readFileSync } from "node:fs";
import { tallyOf } from "./tally.ts";

const [outputFile, ...failedSteps] = process.argv.slice(2);
if (outputFile === undefined) throw new Error("expected a file with what the checks printed");

const { passed, failed: failedTests } = tallyOf(readFileSync(outputFile, "utf8"));
for (const step of failedSteps) console.log(`failed: ${step}`);
// A step may fail without a failed test: by a wrong type, say, or because no test could be loaded.
const failed = Math.max(failedTests, failedSteps.length);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
