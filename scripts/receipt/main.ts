/** Checks a receipt: reads it and the roster, takes the steps, prints what came of them. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { CommanderError } from "commander";
import { type Endpoint, rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { reasonOf } from "../cluster/failure.ts";
import { layoutOf } from "../cluster/layout.ts";
import { rpcUrlOf } from "../cluster/node.ts";
import { readRecord } from "../cluster/record.ts";
import { parseVerifyOptions, type VerifyOptions } from "./cli.ts";
import { askContract } from "./onChain.ts";
import { jsonOf, tableOf } from "./report.ts";
import { loadRoster, readRoster, type SavedRoster, writeRoster } from "./roster.ts";
import { verifyReceipt, withStep } from "./verify.ts";

const held = 0;
const notHeld = 1;
const misused = 2;
const callTimeoutMs = 10_000;

/** What the arguments name cannot be used. */
class UsageError extends Error {}

/** @returns 0 when the receipt holds, 1 when not or when the chain cannot say, 2 for bad usage */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await verify(parseVerifyOptions(args));
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? held : misused;
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return error instanceof UsageError ? misused : notHeld;
  }
}

async function verify(options: VerifyOptions): Promise<number> {
  const [receipt, roster] = await Promise.all([readReceipt(options.file), rosterFor(options)]);
  if (options.saveRoster !== undefined) await writeRoster(options.saveRoster, roster);
  const offline = await verifyReceipt(receipt, roster);
  const verdict = options.onChain
    ? withStep(offline, await askContract(endpointFor(options), roster.contract, offline))
    : offline;
  process.stdout.write(`${options.json ? jsonOf(verdict) : tableOf(verdict)}\n`);
  return verdict.holds ? held : notHeld;
}

async function readReceipt(file: string): Promise<string> {
  if (file === "-") return text(process.stdin);
  return usable(readFile(file, "utf8"));
}

async function rosterFor(options: VerifyOptions): Promise<SavedRoster> {
  if (options.roster !== undefined) return usable(loadRoster(options.roster));
  const contract = options.contract ?? localCluster(options).contract;
  return readRoster(endpointFor(options), contract);
}

function endpointFor(options: VerifyOptions): Endpoint {
  return rpcEndpoint(options.rpc ?? localCluster(options).rpcUrl, 0, callTimeoutMs);
}

/** @throws UsageError when no cluster was ever started there */
function localCluster({ dataDir }: VerifyOptions) {
  const { record: path } = layoutOf(dataDir);
  const record = readRecord(path);
  if (record?.deployment == null) {
    const instead = "expected --roster FILE, or --rpc URL and --contract ADDRESS";
    throw new UsageError(`there is no local cluster in ${dataDir}: ${instead}`);
  }
  return { rpcUrl: rpcUrlOf(record.basePort), contract: record.deployment.contract };
}

async function usable<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw new UsageError(reasonOf(error), { cause: error });
  });
}
