/**
 * The chain's state on disk, and a whole copy of it.
 *
 * anvil truncates its state file and writes it anew, so one that is killed meanwhile leaves a torn
 * file, with which it would never start again.
 */
import { readFileSync, renameSync, statSync } from "node:fs";
import { open, rename } from "node:fs/promises";

const copyIntervalMs = 5_000;

/**
 * Puts the last whole copy in the place of a torn state. Only while no anvil runs.
 *
 * @returns what was done, for a person; `null` when nothing was
 */
export function repairChainState(stateFile: string): string | null {
  if (!exists(stateFile) || isWhole(stateFile)) return null;
  renameSync(stateFile, `${stateFile}.torn`);
  if (!isWhole(copyOf(stateFile))) return `${stateFile} was torn and there is no copy of it`;
  renameSync(copyOf(stateFile), stateFile);
  return `${stateFile} was torn; went back to the last copy of it`;
}

/** Copies the state now and then, whenever it is whole. Returns what ends that. */
export function keepChainStateCopied(stateFile: string): () => void {
  let copying: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // A copy that fails is no copy: the state itself is what the chain runs on.
    copying = copying.then(() => copyChainState(stateFile)).catch(() => undefined);
  }, copyIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Makes the copy anew, unless the state is torn or missing. */
export async function copyChainState(stateFile: string): Promise<void> {
  if (!exists(stateFile)) return;
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
