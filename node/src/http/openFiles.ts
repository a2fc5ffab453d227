/** How many connections the process's limit of open files leaves room for. */
import { readFileSync } from "node:fs";

/** For the journal, peers, the chain and the guest agent: none of them may fail for want of a file. */
const reserved = 512;

/**
 * @param limits text of /proc/self/limits; null where the system has none
 * @returns `wanted`, or fewer where the soft limit of open files allows no more; one at least
 */
export function connectionsWithin(wanted: number, limits: string | null): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits ?? "") ?? [];
  return soft === undefined ? wanted : Math.max(1, Math.min(wanted, Number(soft) - reserved));
}

/** @returns null on systems without /proc */
export function readLimits(): string | null {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return null;
  }
}
