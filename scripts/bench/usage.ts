/** What a process uses, as Linux's /proc tells. */
import { readFileSync } from "node:fs";
import type { Member } from "./subject.ts";

export type Usage = {
  /** Resident memory. */
  readonly rssMiB: number;
  /** Processor time so far. */
  readonly cpuSeconds: number;
};

/** `sysconf(_SC_CLK_TCK)` is 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;
const kibPerMib = 1_024;

/** `null` while the member does not run, or where there is no /proc. */
export function usageOf(member: Member): Usage | null {
  const pid = member.pid();
  if (pid === null) return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const rssKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // From the end of the program's name, which may hold spaces: utime and stime.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { rssMiB: rssKib / kibPerMib, cpuSeconds: ticks / ticksPerSecond };
  } catch {
    return null;
  }
}
