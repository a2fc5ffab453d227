/**
 * A process that outlives whoever started it, recognised later by pid and time of birth: a pid
 * alone is handed to another program sooner or later, and that one must not be ended for it.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

export type ProcessIdentity = {
  readonly pid: number;
  /** Compared only: clock ticks since boot on Linux, `ps`'s text elsewhere. */
  readonly bornAt: string;
};

/** @returns `null` when no such process runs; one that has ended and awaits its parent counts so */
export function identityOf(pid: number): ProcessIdentity | null {
  const bornAt = existsSync("/proc/self/stat") ? bornAtOnLinux(pid) : bornAtByPs(pid);
  return bornAt === null ? null : { pid, bornAt };
}

export function isRunning(process: ProcessIdentity): boolean {
  return identityOf(process.pid)?.bornAt === process.bornAt;
}

/** Signals that very process, and none that has its pid by now. */
export function signalVerified(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function bornAtOnLinux(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name and may hold spaces and brackets: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, bornAt] = [fields[0], fields[19]];
  return bornAt === undefined || state === "Z" || state === "X" ? null : bornAt;
}

function bornAtByPs(pid: number): string | null {
  try {
    const out = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return out === "" || out.startsWith("Z") ? null : out.replace(/^\S+\s+/, "");
  } catch {
    return null;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
