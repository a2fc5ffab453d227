/**
 * A long run: a cluster under a steady load, looked at every so often. What it looks for shows in
 * hours, not in tests: memory, handles, files or delays that grow, and writes that are lost.
 */
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CommanderError } from "commander";
import { reasonOf } from "../cluster/failure.ts";
import type { Cluster } from "../cluster/handle.ts";
import { startCluster } from "../cluster/launch.ts";
import { findBasePort } from "../cluster/ports.ts";
import { parseSoakOptions, type SoakOptions } from "./cli.ts";
import { readCounter, startLoad } from "./load.ts";
import { reportOf } from "./report.ts";
import { keepRestarting } from "./restarts.ts";
import { sampleNode } from "./sampler.ts";
import type { Sample } from "./series.ts";
import { accountsOf, findingsOf, isWell, warmUpOf } from "./verdict.ts";

const misconfigured = 2;
const settleMs = 60_000;
const serveMs = 60_000;
const secondsPerHour = 3_600;
const msPerSecond = 1_000;

/** @returns the exit code: 0 all is well, 1 something grew, was lost or failed, 2 a wrong option */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "number") return options;
  const early = endEarly();
  const dataDir = join(options.out, "cluster");
  mkdirSync(options.out, { recursive: true });
  let cluster: Cluster | null = null;
  try {
    const { nodes: nodeCount } = options;
    const basePort = options.basePort ?? (await findBasePort(nodeCount));
    cluster = await startCluster({ dataDir, basePort, nodeCount, report: say }, early);
    const well = await soak(cluster, options, early);
    await cluster.stop();
    // What went wrong is in the nodes' logs.
    if (well) rmSync(dataDir, { recursive: true, force: true });
    return well ? 0 : 1;
  } catch (error) {
    say(`error: ${reasonOf(error)}`);
    return 1;
  } finally {
    await cluster?.stop();
  }
}

function readOptions(args: readonly string[]): SoakOptions | number {
  try {
    return parseSoakOptions(args, new Date());
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

async function soak(cluster: Cluster, options: SoakOptions, early: AbortSignal): Promise<boolean> {
  const urls = () => cluster.nodes.map(({ url }) => url);
  const before = await readCounter(urls()[0] ?? "");
  const load = startLoad(urls, options.clients);
  const ending = new AbortController();
  const signal = AbortSignal.any([early, ending.signal]);
  const startedMs = performance.now();
  const sinceStart = () => (performance.now() - startedMs) / msPerSecond;
  const watching = Promise.all([
    keepSampling(cluster, options, sinceStart, signal),
    keepRestarting(cluster, options.restarts, signal),
  ]);
  // What fails there ends the run, and is thrown where it is waited for.
  watching.catch(() => ending.abort());
  const wholeMs = options.hours * secondsPerHour * msPerSecond;
  await delay(wholeMs, undefined, { signal }).catch(() => say("\nending early"));
  ending.abort();
  const [samples, restarts] = await watching;
  const seconds = sinceStart();
  await cluster.waitUntilServing(serveMs);
  const outcome = await load.stop(settleMs);
  const accounts = accountsOf(outcome, before, await readCounter(urls()[0] ?? ""));
  const warmUpSeconds = warmUpOf(seconds);
  const findings = findingsOf(samples, warmUpSeconds);
  const run = { seconds, warmUpSeconds, samples: samples.length, restarts };
  const report = reportOf(run, findings, accounts);
  writeFileSync(join(options.out, "report.txt"), `${report}\n`);
  process.stdout.write(`\n${report}\n\nsamples are in ${options.out}\n`);
  return isWell(findings, accounts);
}

async function keepSampling(
  cluster: Cluster,
  { out, sampleEvery }: SoakOptions,
  sinceStart: () => number,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  const file = createWriteStream(join(out, "samples.jsonl"));
  const samples: Sample[] = [];
  while (!signal.aborted) {
    const seconds = sinceStart();
    const taken = await Promise.all(cluster.nodes.map((node) => sampleNode(node, seconds)));
    samples.push(...taken);
    for (const sample of taken) file.write(`${JSON.stringify(sample)}\n`);
    const dueInMs = (seconds + sampleEvery - sinceStart()) * msPerSecond;
    await delay(Math.max(0, dueInMs), undefined, { signal }).catch(() => undefined);
  }
  await new Promise((resolve) => file.end(resolve));
  return samples;
}

/** Ctrl-C once ends the run with its report; a second time ends the process. */
function endEarly(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)));
  }
  return abort.signal;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
