/** `npm run chaos`: a cluster, clients, faults; a verdict, and a folder with all that led to it. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { CommanderError } from "commander";
import { reasonOf } from "../cluster/failure.ts";
import { findBasePort } from "../cluster/ports.ts";
import { type ChaosOptions, parseChaosOptions } from "./cli.ts";
import { closeConnections } from "./clients/call.ts";
import { containersLack } from "./docker/lacks.ts";
import { startDocker } from "./docker/subject.ts";
import { judge } from "./judge/judge.ts";
import { chaosEnvironment } from "./local/environment.ts";
import { type LocalOptions, startLocal } from "./local/subject.ts";
import { writeReport } from "./report/files.ts";
import { createProgressLine } from "./report/progress.ts";
import { describeSchedule, summaryOf } from "./report/summary.ts";
import { run } from "./run.ts";
import { drawSchedule, type Planned } from "./schedule/schedule.ts";
import type { Ability, Subject } from "./subject.ts";

const misconfigured = 2;

type Kind = {
  readonly start: (options: LocalOptions, signal: AbortSignal) => Promise<Subject>;
  /** What no subject of that kind can do: a schedule has no faults that need it. */
  readonly lacks: ReadonlyMap<Ability, string>;
};

const processes: Kind = { start: startLocal, lacks: new Map() };
const containers: Kind = { start: startDocker, lacks: containersLack };

/** @returns the exit code: 0 all checks passed, 1 a violation or no start, 2 wrong usage */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "number") return options;
  const { seed, nodes: nodeCount, seconds, each } = options;
  const { lacks } = kindOf(options);
  const able = options.faults.filter(({ needs }) => !needs.some((ability) => lacks.has(ability)));
  if (able.length === 0) {
    const names = options.faults.map(({ name }) => name).join(", ");
    process.stderr.write(
      `error: none of ${names} is possible: ${[...lacks.values()].join("; ")}\n`,
    );
    return misconfigured;
  }
  const schedule = drawSchedule({
    seed,
    faults: able,
    nodeCount,
    durationMs: seconds * 1_000,
    each,
  });
  say(`seed ${seed}: ${schedule.length} faults on ${nodeCount} nodes, ${options.clients} clients`);
  if (options.dryRun) {
    say(describeSchedule(schedule));
    return 0;
  }
  try {
    return await carryOut(options, schedule);
  } catch (error) {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return 1;
  }
}

function readOptions(args: readonly string[]): ChaosOptions | number {
  try {
    return parseChaosOptions(args, Date.now() % 2 ** 32);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

function kindOf({ docker }: ChaosOptions): Kind {
  return docker ? containers : processes;
}

async function carryOut(options: ChaosOptions, schedule: readonly Planned[]): Promise<number> {
  const { seed, nodes: nodeCount, clients, pause, seconds, each } = options;
  const folder = makeFolder(options);
  const interrupt = interruption();
  const notes: string[] = [];
  const line = createProgressLine(process.stdout);
  const subject = await kindOf(options).start(
    {
      dataDir: folder,
      nodeCount,
      basePort: options.basePort ?? (await findBasePort(nodeCount)),
      nodeEnvironment: chaosEnvironment,
      report: (note) => void notes.push(note),
    },
    interrupt,
  );
  let keepDisks = options.keepDisks;
  try {
    for (const [ability, why] of subject.lacks) say(`no faults of ${ability}: ${why}`);
    const done = await run({
      subject,
      schedule,
      seed,
      clientCount: clients,
      pauseMs: pause,
      durationMs: each ? 0 : seconds * 1_000,
      onProgress: line.show,
      signal: interrupt,
    });
    line.clear();
    const judgement = judge(done.evidence);
    const report = { ...done, judgement, seed, nodes: subject.nodes, notes, schedule };
    writeReport(folder, report);
    say(summaryOf(report, process.stdout.columns ?? 100));
    say(`kept in ${folder}`);
    keepDisks ||= judgement.findings.length > 0;
    return judgement.findings.length > 0 ? 1 : 0;
  } finally {
    line.clear();
    await subject.stop(keepDisks);
    closeConnections();
  }
}

function makeFolder({ out, seed }: ChaosOptions): string {
  const at = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const folder = join(resolve(out), `${at}-seed-${seed}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A first Ctrl-C ends the run, which is judged as far as it went; a second one ends that, too. */
function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => abort.abort());
  }
  return abort.signal;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
