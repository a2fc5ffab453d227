/** The ways in which a leader is lost, each the same act on every subject. */
import { readdirSync, readFileSync } from "node:fs";
import { becomes } from "../../cluster/wait.ts";
import type { Subject } from "../subject.ts";

export type Fault = {
  readonly name: string;
  /** Resolves once it is done: from then on, that member can commit nothing. */
  strike(subject: Subject, position: number): Promise<void>;
  /** Resolves once it is undone; the member has yet to catch up. */
  heal(subject: Subject, position: number): Promise<void>;
};

const stopTimeoutMs = 5_000;

export const kill: Fault = {
  name: "kill -9",
  strike: (subject, position) => subject.signal(position, "SIGKILL"),
  heal: (subject, position) => subject.restart(position),
};

const pause: Fault = {
  name: "pause",
  async strike(subject, position) {
    await subject.signal(position, "SIGSTOP");
    const pid = subject.members[position]?.pid() ?? 0;
    if (await becomes(() => isStopped(pid), stopTimeoutMs)) return;
    throw new Error(`${subject.members[position]?.name} was not stopped by SIGSTOP`);
  },
  heal: (subject, position) => subject.signal(position, "SIGCONT"),
};

const partition: Fault = {
  name: "partition",
  async strike(subject, position) {
    if (subject.network === null) throw new Error(`nothing is in the path of ${subject.name}`);
    subject.network.cutOff(position);
  },
  async heal(subject) {
    subject.network?.mend();
  },
};

export const faults: readonly Fault[] = [kill, pause, partition];

/**
 * Whether every thread has stopped. The signal is only the beginning of that: until its end, a
 * thread may go on for a moment.
 *
 * @see proc(5), /proc/pid/task/tid/stat: state T
 */
export function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => hasStopped(`${tasks}/${task}/stat`));
}

function hasStopped(statFile: string): boolean {
  try {
    const stat = readFileSync(statFile, "utf8");
    return stat[stat.lastIndexOf(")") + 2] === "T";
  } catch {
    // The thread has ended meanwhile.
    return true;
  }
}
