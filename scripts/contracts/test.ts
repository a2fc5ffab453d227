/**
 * All that must hold of the contract: format, compilation without warnings, the generated modules,
 * unit tests, fuzzing and invariants, and what calls cost.
 *
 * Options are passed on to `forge test`: `npm run contracts:test -- --match-contract CastVote`.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findForge, root } from "./tools.ts";

type Step = { readonly title: string; readonly command: string; readonly options: string[] };

// Snapshots are compared and never written here: a dearer call must be a decision.
const comparedGas = ["--gas-snapshot-check=true", "--gas-snapshot-emit=false"];

const tests = forge("tests", ["test", ...comparedGas, ...process.argv.slice(2)]);

const steps: readonly Step[] = [
  forge("format", ["fmt", "--check"]),
  forge("build and lint", ["build"]),
  {
    title: "generated modules",
    command: process.execPath,
    options: [join(import.meta.dirname, "abi.ts"), "--check"],
  },
  tests,
  forge("gas", ["snapshot", "--check", "contracts/.gas-snapshot", "--match-contract", "GasOf"]),
];

async function main(): Promise<void> {
  for (const step of steps) {
    const startedMs = performance.now();
    const { passed, output } = await run(step);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${passed ? "ok  " : "FAIL"} contracts: ${step.title} (${seconds} s)`);
    if (!passed) {
      console.error(output);
      process.exitCode = 1;
      return;
    }
    if (step === tests) console.log(/\d+ tests passed, .*total tests\)/.exec(output)?.[0]);
  }
}

function forge(title: string, options: string[]): Step {
  return { title, command: findForge(), options };
}

/** Keeps a step's output for the case that it fails: on success nobody reads it. */
function run({ command, options }: Step): Promise<{ passed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, options, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ passed: code === 0, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

await main();
