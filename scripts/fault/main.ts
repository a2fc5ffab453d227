/** `npm run fault`: one fault, and what the cluster makes of it. */
import { CommanderError } from "commander";
import { elapsed } from "../cluster/elapsed.ts";
import { ChangeError, reasonOf } from "../cluster/failure.ts";
import { becomes } from "../cluster/wait.ts";
import { carryOut } from "./carryOut.ts";
import { type FaultOptions, parseFaultOptions } from "./cli.ts";
import { openCluster } from "./open.ts";
import { type Expected, missingIn } from "./reaction.ts";
import type { Sight } from "./sight.ts";
import { tableOf } from "./table.ts";

const misconfigured = 2;

/** @returns the exit code: 0 done, 1 refused, failed or no reaction in time, 2 wrong usage */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that goes away does not leave a fault half done.
  process.stdout.on("error", () => undefined);
  const options = readOptions(args);
  if (typeof options === "number") return options;
  try {
    return await strike(options);
  } catch (error) {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return 1;
  }
}

function readOptions(args: readonly string[]): FaultOptions | number {
  try {
    return parseFaultOptions(args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

async function strike(options: FaultOptions): Promise<number> {
  const { action, wait, timeout } = options;
  const cluster = await openCluster(options, sayTimed);
  const before = await cluster.look();
  if (action.kind === "status") {
    say(tableOf(before, null));
    return 0;
  }
  const startedMs = performance.now();
  const expected = await carryOut(action, { cluster, before, say: sayTimed });
  if (expected.note !== null) sayTimed(expected.note);
  const { after, missing } = wait
    ? await reaction(cluster.look, expected, timeout * 1_000)
    : { after: await cluster.look(), missing: null };
  say(`\n${tableOf(before, after)}\n`);
  if (missing !== null) {
    throw new ChangeError(`the cluster has not settled after ${timeout} s: ${missing}`);
  }
  if (wait) sayTimed(`settled ${((performance.now() - startedMs) / 1_000).toFixed(1)} s after`);
  return 0;
}

/** @returns what was seen last, and what was still missing then */
async function reaction(look: () => Promise<Sight>, expected: Expected, timeoutMs: number) {
  let after = await look();
  await becomes(async () => {
    after = await look();
    return missingIn(after, expected) === null;
  }, timeoutMs);
  return { after, missing: missingIn(after, expected) };
}

function sayTimed(line: string): void {
  say(`${elapsed()} ${line}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
