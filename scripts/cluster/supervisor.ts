/**
 * Starts named services, knows their processes, says so when one ends by itself, and ends them all.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Child, type Command, describeEnding, type Ending, lastLines, run } from "./child.ts";
import { StartError } from "./failure.ts";
import type { RecordedProcess } from "./record.ts";

export type Service = {
  readonly name: string;
  readonly command: Command;
  /** An exit code by which the process asks to be started again; `null`: it never does. */
  readonly restartCode: number | null;
};

export type Supervisor = {
  /** @throws StartError when the program cannot be run or the service runs already */
  start(service: Service): Promise<void>;
  signal(name: string, signal: NodeJS.Signals): void;
  /** From now on an unexpected end is reported; before, `requireRunning` is how to learn of it. */
  announceEndings(): void;
  /** Whenever this service ends from now on, it is neither reported nor started again. */
  expectEnd(name: string): void;
  /** From now on nothing is started, nor started again. */
  close(): void;
  /** Ends services in the bounded time of `graceMs`: SIGTERM first, SIGKILL at its end. */
  stop(names: readonly string[], graceMs: number): Promise<void>;
  /** Resolves once the service's process is gone, by whatever cause. */
  ended(name: string): Promise<void>;
  isRunning(name: string): boolean;
  /** @throws StartError with the last lines of its log when the service has ended */
  requireRunning(name: string): void;
  processes(): readonly RecordedProcess[];
};

export type SupervisorEvents = {
  /** A process was started or has ended: `processes()` differs. */
  readonly changed: () => void;
  readonly report: (line: string) => void;
};

type Entry = { readonly service: Service; readonly child: Child; expected: boolean };

const lastLineCount = 8;
const restartsMax = 5;
const restartWindowMs = 60_000;

export function createSupervisor(events: SupervisorEvents): Supervisor {
  const entries = new Map<string, Entry>();
  const mayRestart = restartLimit();
  let announcing = false;
  let closed = false;

  async function start(service: Service): Promise<void> {
    if (closed) throw new StartError(`${service.name} is not started: the cluster is stopping`);
    if (running(service.name) !== null) throw new StartError(`${service.name} runs already`);
    const entry: Entry = { service, child: await run(service.command), expected: closed };
    if (closed) entry.child.signal("SIGKILL");
    entries.set(service.name, entry);
    events.changed();
    void entry.child.ended.then((ending) => onEnd(entry, ending));
  }

  async function onEnd(entry: Entry, ending: Ending): Promise<void> {
    events.changed();
    if (entry.expected) return;
    const { name, restartCode, command } = entry.service;
    if (ending.code !== null && ending.code === restartCode && mayRestart(name)) {
      events.report(`${name} was replaced by a newer boot of its member; starting it again`);
      await start(entry.service).catch((error: Error) => events.report(error.message));
      return;
    }
    if (announcing) events.report(obituary(name, ending, command.logFile));
  }

  function running(name: string): Entry | null {
    const entry = entries.get(name);
    return entry === undefined || entry.child.ending() !== null ? null : entry;
  }

  async function stop(names: readonly string[], graceMs: number): Promise<void> {
    const live = names.map(running).filter((entry) => entry !== null);
    for (const entry of live) {
      entry.expected = true;
      entry.child.signal("SIGTERM");
      entry.child.signal("SIGCONT");
    }
    await endWithin(live, graceMs);
  }

  return {
    start,
    stop,
    announceEndings() {
      announcing = true;
    },
    expectEnd(name) {
      const entry = running(name);
      if (entry !== null) entry.expected = true;
    },
    close() {
      closed = true;
    },
    signal(name, signal) {
      const entry = running(name);
      if (entry === null) throw new StartError(`${name} does not run`);
      if (signal === "SIGKILL" || signal === "SIGTERM") entry.expected = true;
      entry.child.signal(signal);
    },
    async ended(name) {
      await entries.get(name)?.child.ended;
    },
    isRunning: (name) => running(name) !== null,
    requireRunning(name) {
      const entry = entries.get(name);
      const ending = entry?.child.ending() ?? null;
      if (entry === undefined || ending === null) return;
      throw new StartError(obituary(name, ending, entry.service.command.logFile));
    },
    processes: () => [...entries.values()].filter(isLive).map(recordOf),
  };
}

function isLive({ child }: Entry): boolean {
  return child.ending() === null;
}

function recordOf({ service, child }: Entry): RecordedProcess {
  return { name: service.name, ...child.identity };
}

/** A boot that is replaced again and again points to a second copy of it: no endless fight. */
function restartLimit(): (name: string) => boolean {
  const restarts = new Map<string, readonly number[]>();
  return (name) => {
    const nowMs = performance.now();
    const recent = (restarts.get(name) ?? []).filter((atMs) => nowMs - atMs < restartWindowMs);
    restarts.set(name, [...recent, nowMs]);
    return recent.length < restartsMax;
  };
}

async function endWithin(live: readonly Entry[], graceMs: number): Promise<void> {
  const allEnded = Promise.all(live.map(({ child }) => child.ended));
  const abort = new AbortController();
  const graceOver = delay(graceMs, undefined, { signal: abort.signal }).catch(() => undefined);
  await Promise.race([allEnded, graceOver]);
  abort.abort();
  for (const { child } of live) child.signal("SIGKILL");
  await allEnded;
}

function obituary(name: string, ending: Ending, logFile: string): string {
  const lines = lastLines(logFile, lastLineCount);
  const tail = lines.length === 0 ? ["  (its log is empty)"] : lines.map((line) => `  ${line}`);
  return [`${name} ${describeEnding(ending)}; the end of ${logFile}:`, ...tail].join("\n");
}
