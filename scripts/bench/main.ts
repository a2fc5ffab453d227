/**
 * Measures dstack-cluster, and etcd in turns with it. Everything is on this machine: members, load
 * generator and measuring program share its cores and its disk, so figures compare only within one
 * run. Nothing here judges a figure.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CommanderError } from "commander";
import { reasonOf } from "../cluster/failure.ts";
import { projectRoot } from "../cluster/programs.ts";
import { type BenchOptions, parseBenchOptions } from "./cli.ts";
import { combine } from "./combine.ts";
import { findEtcd, startEtcd } from "./etcd.ts";
import { startOurs } from "./ours.ts";
import { measureOverload } from "./overload/measure.ts";
import { reportOverload } from "./overload/report.ts";
import { kill } from "./recovery/faults.ts";
import { measureRecoveries, measureRecovery } from "./recovery/measure.ts";
import { reportRecovery } from "./recovery/report.ts";
import { type Failovers, type Figures, type Memory, reportOf } from "./report.ts";
import type { Subject } from "./subject.ts";
import { type Measurement, measure, type Step } from "./throughput.ts";
import { usageOf } from "./usage.ts";

const misconfigured = 2;
const outputDir = join(projectRoot, ".bench");
/** Each load is run this often when two subjects take turns: A B A B. */
const roundsInTurns = 2;
const readConnections = 64;
/** After the start, before memory counts as idle. */
const settleMs = 5_000;
const warmUp: Step = { workload: "write", connections: 64, seconds: 2 };

/** @returns the exit code: 0 measured, 1 something failed, 2 an option is wrong */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "number") return options;
  const dataDir = join(outputDir, `data-${process.pid}`);
  const subjects: Subject[] = [];
  const stopAll = async () => {
    await Promise.all(subjects.map((subject) => subject.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  };
  const interrupted = onInterrupt(stopAll);
  try {
    const etcd = options.vsEtcd ? findEtcd(pathVariable()) : null;
    mkdirSync(dataDir, { recursive: true });
    const inPath = options.recovery !== null;
    subjects.push(await startOurs(join(dataDir, "ours"), { inPath }));
    if (options.overload !== null) return await overload(subjects[0], options);
    if (etcd !== null) subjects.push(await startEtcd(etcd, join(dataDir, "etcd"), { inPath }));
    if (options.recovery !== null) return await recovery(subjects, options.recovery, options);
    const figures = await measureAll(subjects, options);
    process.stdout.write(`\n${reportOf(figures)}\n\nwritten to ${save(figures, options)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return interrupted.aborted ? 0 : 1;
  } finally {
    await stopAll();
  }
}

function readOptions(args: readonly string[]): BenchOptions | number {
  try {
    return parseBenchOptions(args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

async function measureAll(subjects: readonly Subject[], options: BenchOptions): Promise<Figures> {
  await delay(settleMs);
  const idle = subjects.map(memoryOf);
  for (const subject of subjects) await measure(subject, warmUp);
  const measurements: Measurement[] = [];
  for (const step of stepsOf(options)) measurements.push(...(await inTurns(subjects, step)));
  const loaded = subjects.map(memoryOf);
  const failovers = await failoversOf(subjects, options.failovers);
  return { measurements, failovers, memory: memoryRows(subjects, idle, loaded) };
}

function stepsOf({ connections, seconds }: BenchOptions): readonly Step[] {
  return [
    ...connections.map((each) => ({ workload: "write" as const, connections: each, seconds })),
    { workload: "linearizable read", connections: readConnections, seconds },
    { workload: "local read", connections: readConnections, seconds },
  ];
}

async function inTurns(subjects: readonly Subject[], step: Step): Promise<readonly Measurement[]> {
  const rounds = subjects.length > 1 ? roundsInTurns : 1;
  const measured: Measurement[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [position, subject] of subjects.entries()) {
      const measurement = await measure(subject, step);
      measured[position]?.push(measurement);
      const perSecond = measurement.requestsPerSecond.toFixed(0);
      say(`${subject.name}, ${step.workload}, ${step.connections} connections: ${perSecond}/s`);
    }
  }
  return measured.map(combine);
}

async function failoversOf(
  subjects: readonly Subject[],
  count: number,
): Promise<readonly Failovers[]> {
  const failovers: Failovers[] = [];
  for (const subject of subjects) {
    const milliseconds: number[] = [];
    for (let each = 0; each < count; each++) {
      milliseconds.push((await measureRecovery(subject, kill)).unavailableMs);
    }
    const list = milliseconds.map((each) => each.toFixed(0)).join(", ");
    if (count > 0) say(`${subject.name}, failover: ${list} ms`);
    failovers.push({ subject: subject.name, milliseconds });
  }
  return failovers;
}

function memoryOf(subject: Subject): readonly number[] {
  return subject.members.map((member) => usageOf(member)?.rssMiB ?? Number.NaN);
}

type MiBs = readonly (readonly number[])[];

function memoryRows(subjects: readonly Subject[], idle: MiBs, loaded: MiBs): readonly Memory[] {
  return subjects.flatMap(({ name, members }, of) =>
    members.map((member, position) => ({
      subject: name,
      member: member.name,
      idleMiB: idle[of]?.[position] ?? Number.NaN,
      loadedMiB: loaded[of]?.[position] ?? Number.NaN,
    })),
  );
}

async function overload(subject: Subject | undefined, options: BenchOptions): Promise<number> {
  const { seconds, overload: times } = options;
  if (subject === undefined || times === null) throw new Error("there is nothing to overload");
  await delay(settleMs);
  const figures = await measureOverload(subject, { seconds, times });
  const file = save({ overload: figures }, options);
  process.stdout.write(`\n${reportOverload(figures)}\n\nwritten to ${file}\n`);
  return 0;
}

async function recovery(
  subjects: readonly Subject[],
  times: number,
  options: BenchOptions,
): Promise<number> {
  await delay(settleMs);
  for (const subject of subjects) await measure(subject, warmUp);
  const figures = { times, measured: await measureRecoveries(subjects, times, say) };
  const file = save({ recovery: figures }, options);
  process.stdout.write(`\n${reportRecovery(figures)}\n\nwritten to ${file}\n`);
  return 0;
}

function save(figures: object, options: BenchOptions): string {
  const at = new Date().toISOString();
  const file = join(outputDir, `${at.replaceAll(":", "-")}.json`);
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? "unknown" };
  const node = process.version;
  writeFileSync(file, `${JSON.stringify({ at, machine, node, options, ...figures }, null, 2)}\n`);
  return file;
}

/** Ctrl-C leaves no process and no data behind. */
function onInterrupt(stopAll: () => Promise<void>): AbortSignal {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      abort.abort();
      void stopAll().finally(() => process.exit(1));
    });
  }
  return abort.signal;
}

function pathVariable(): string | undefined {
  const { PATH: path } = process.env;
  return path;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
