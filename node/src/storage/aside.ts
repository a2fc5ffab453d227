/** Damaged files are kept for whoever wants to look at them, under a name that nothing reads. */
import { constants, copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import type { Log } from "../runtime/ports.ts";
import { isSystemError } from "./faults.ts";

export function moveAside(path: string): void {
  renameSync(path, freeNameFor(path));
}

/** False when the system refuses: for want of room, as a rule. */
export function copyAside(path: string, log: Log): boolean {
  const copy = freeNameFor(path);
  try {
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    rmSync(copy, { force: true });
    log.warn({ file: path, error }, "could not copy the damaged file: it stays where it is");
    return false;
  }
}

function freeNameFor(path: string): string {
  let name = `${path}.damaged`;
  for (let copies = 2; existsSync(name); copies += 1) name = `${path}.damaged.${copies}`;
  return name;
}
