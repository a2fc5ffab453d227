/** The local chain: anvil, its state on disk, and a copy of that in case anvil dies while writing. */
import { readFileSync, renameSync, statSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import type { Layout } from "./layout.ts";
import { host } from "./ports.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

export type ChainOptions = {
  readonly port: number;
  /** `null`: a block per transaction, at once. */
  readonly blockTimeSeconds: number | null;
};

/** Where a killed anvil takes up again: at most this long before it was killed. */
const stateIntervalSeconds = 1;
const answerTimeoutMs = 1_000;
const copyIntervalMs = 5_000;
/** More than any node asks back; without a bound anvil spills old states into the home folder. */
const keptStates = 256;

export function chainService(programs: Programs, layout: Layout, options: ChainOptions): Service {
  const { port, blockTimeSeconds } = options;
  const args = ["--host", host, "--port", String(port), "--quiet"];
  args.push("--state", layout.chainState, "--state-interval", String(stateIntervalSeconds));
  args.push("--prune-history", String(keptStates));
  if (blockTimeSeconds !== null) args.push("--block-time", String(blockTimeSeconds));
  const logFile = layout.log("chain");
  return {
    name: "chain",
    command: { program: programs.anvil, args, env: {}, logFile },
    restartCode: null,
  };
}

/** Whether the chain answers. */
export async function chainAnswers(rpcUrl: string): Promise<boolean> {
  try {
    await rpcEndpoint(rpcUrl, 0, answerTimeoutMs).call("eth_chainId", []);
    return true;
  } catch {
    return false;
  }
}

/**
 * anvil truncates its state file and writes it anew, so one that is killed meanwhile leaves a torn
 * file, with which it would never start again. Puts the last whole copy in its place.
 *
 * @returns what was done, for a person; `null` when nothing was
 */
export function repairChainState(stateFile: string): string | null {
  if (!exists(stateFile) || isWhole(stateFile)) return null;
  renameSync(stateFile, `${stateFile}.torn`);
  if (!isWhole(copyOf(stateFile))) return `${stateFile} was torn and there is no copy of it`;
  renameSync(copyOf(stateFile), stateFile);
  return `${stateFile} was torn; went back to the copy made up to ${copyIntervalMs / 1000} s before`;
}

/** Copies the state now and then, whenever it is whole. Returns what ends that. */
export function keepChainStateCopied(stateFile: string): () => void {
  let copying: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // A copy that fails is no copy: the state itself is what the chain runs on.
    copying = copying.then(() => copyWhole(stateFile)).catch(() => undefined);
  }, copyIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function copyWhole(stateFile: string): Promise<void> {
  const text = readFileSync(stateFile, "utf8");
  if (!isJson(text)) return;
  const next = `${copyOf(stateFile)}.next`;
  const file = await open(next, "w");
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(next, copyOf(stateFile));
}

function copyOf(stateFile: string): string {
  return `${stateFile}.copy`;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isWhole(path: string): boolean {
  return exists(path) && isJson(readFileSync(path, "utf8"));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
