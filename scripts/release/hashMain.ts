/** Prints a compose hash, and has the contract allow it or no longer. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { CommanderError } from "commander";
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { columns } from "../cluster/columns.ts";
import { reasonOf } from "../cluster/failure.ts";
import { changeApproval, type Outcome, type OwnerCall, ownerCall } from "./approval.ts";
import { AppComposeError, composeHashOf, openEndsOf } from "./composeHash.ts";
import { type HashOptions, parseHashOptions } from "./hashCli.ts";

const done = 0;
const notDone = 1;
const misused = 2;
const callTimeoutMs = 10_000;
const minedWithinMs = 120_000;

/** What the arguments name cannot be used. */
class UsageError extends Error {}

type Report = {
  readonly composeHash: string;
  readonly openEnds: readonly string[];
  readonly call: OwnerCall | null;
  readonly outcome: Outcome | null;
};

/**
 * @returns 0 when all that was asked for is done; 1 when `--strict` objects, or the contract does
 *   not allow what it should; 2 for bad usage
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(parseHashOptions(args));
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? done : misused;
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return error instanceof UsageError ? misused : notDone;
  }
}

async function run(options: HashOptions): Promise<number> {
  const file = await read(options.file);
  const composeHash = composeHashOf(file);
  const openEnds = openEndsIn(options.file, file);
  for (const each of openEnds) process.stderr.write(`warning: ${options.file}: ${each}\n`);
  const refused = options.strict && openEnds.length > 0;
  const report = refused
    ? { composeHash, openEnds, call: null, outcome: null }
    : { composeHash, openEnds, ...(await change(options, composeHash)) };
  process.stdout.write(`${options.json ? jsonOf(report) : textOf(options, report)}\n`);
  return refused || report.outcome?.kind === "notSigned" ? notDone : done;
}

async function change(
  options: HashOptions,
  composeHash: string,
): Promise<Pick<Report, "call" | "outcome">> {
  const { add, remove, contract, rpc } = options;
  if (contract === undefined || !(add || remove)) return { call: null, outcome: null };
  const wanted = add ? "add" : "remove";
  const call = ownerCall(contract, wanted, composeHash);
  if (rpc === undefined) return { call, outcome: null };
  const endpoint = rpcEndpoint(rpc, 0, callTimeoutMs);
  const request = { rpc: endpoint, contract, change: wanted, composeHash } as const;
  return { call, outcome: await changeApproval({ ...request, timeoutMs: minedWithinMs }) };
}

async function read(file: string): Promise<Uint8Array> {
  if (file === "-") return buffer(process.stdin);
  return readFile(file).catch((error: unknown) => {
    throw new UsageError(reasonOf(error), { cause: error });
  });
}

function openEndsIn(name: string, file: Uint8Array): readonly string[] {
  try {
    return openEndsOf(file);
  } catch (error) {
    if (!(error instanceof AppComposeError)) throw error;
    throw new UsageError(`${name}: ${error.message}`, { cause: error });
  }
}

function jsonOf({ call, outcome, ...found }: Report): string {
  return JSON.stringify({ ...found, ...(call === null ? {} : { call, outcome }) }, null, 2);
}

function textOf({ add }: HashOptions, { composeHash, call, outcome }: Report): string {
  if (call === null) return composeHash;
  const byHand = columns([
    ["to", call.to],
    ["function", call.function],
    ["argument", call.argument],
    ["calldata", call.calldata],
  ]);
  if (outcome === null) return [composeHash, ...byHand].join("\n");
  const { kind, chainId } = outcome;
  if (kind === "notSigned") {
    const owner = `chain ${chainId} does not sign for ${outcome.owner}, the contract's owner`;
    return [composeHash, `Nothing was sent: ${owner}. It has to call:`, ...byHand].join("\n");
  }
  const state = `The contract ${call.to} of chain ${chainId} ${add ? "allows" : "does not allow"} it`;
  return `${composeHash}\n${state}: ${kind === "already" ? "as before" : "read back"}.`;
}
