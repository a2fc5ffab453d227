/** A whole cluster on this machine, until Ctrl-C; with `--detach` until `npm run stop`. */
import { CommanderError } from "commander";
import { elapsed } from "../cluster/elapsed.ts";
import { reasonOf } from "../cluster/failure.ts";
import { startCluster } from "../cluster/launch.ts";
import { layoutOf } from "../cluster/layout.ts";
import { stopCommand } from "../cluster/plan.ts";
import type { OpenLevers } from "../fault/levers/levers.ts";
import { foregroundOf, startInBackground } from "./background.ts";
import { parseStartOptions, type StartOptions } from "./cli.ts";
import { overviewOf } from "./overview.ts";

const misconfigured = 2;
const parent = process.ppid;
const watchIntervalMs = 500;

/**
 * @param script what to run again for a starter in the background
 * @returns the exit code: 0 after it was stopped, 1 when it cannot start, 2 when an option is wrong
 */
export async function main(script: string, args: readonly string[]): Promise<number> {
  surviveClosedTerminal();
  const options = readOptions(args);
  if (typeof options === "number") return options;
  if (options.inBackground) return runInBackground(options);
  if (!options.detach) return runInForeground(options);
  const withoutDetach = args.filter((arg) => arg !== "--detach");
  return (await startInBackground(script, withoutDetach, say)) ? 0 : 1;
}

function readOptions(args: readonly string[]): StartOptions | number {
  try {
    return parseStartOptions(args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

async function runInForeground(options: StartOptions): Promise<number> {
  return run(options, {
    ...stopRequests(["the end of its parent", parentGone]),
    say,
    complain: (line) => process.stderr.write(`${line}\n`),
    ending: "Ctrl-C stops everything.",
  });
}

async function runInBackground(options: StartOptions): Promise<number> {
  const requests = stopRequests(null);
  const layout = layoutOf(options.dataDir);
  const foreground = foregroundOf(layout);
  const code = await run(options, {
    ...requests,
    requested: AbortSignal.any([requests.requested, foreground.deserted]),
    say: foreground.say,
    complain: foreground.say,
    ending: `It runs in the background; ${stopCommand(layout)} stops everything.`,
    serving: () => foreground.release(true),
  });
  await foreground.release(false);
  return code;
}

type StopRequests = {
  /** The signal that asked for it. */
  readonly stopRequested: Promise<string>;
  readonly requested: AbortSignal;
  /** Listens no longer: the process may end by itself. */
  readonly ignore: () => void;
};

type Surroundings = StopRequests & {
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly ending: string;
  readonly serving?: () => Promise<void>;
};

async function run(options: StartOptions, surroundings: Surroundings): Promise<number> {
  const { stopRequested, requested, ignore, ending, serving } = surroundings;
  const report = (line: string) => surroundings.say(`${elapsed()} ${line}`);
  const { ANVIL: anvil } = process.env;
  let levers: OpenLevers | null = null;
  try {
    levers = options.faults ? await leversFor(options, report) : null;
    const cluster = await startCluster({ ...options, ...levers, anvil, report }, requested);
    report(`serving    all ${cluster.positions().length} of them`);
    surroundings.say(overviewOf(cluster, ending));
    await serving?.();
    report(`${await stopRequested}: stopping`);
    await cluster.stop();
    report("stopped");
    return 0;
  } catch (error) {
    if (requested.aborted) return 0;
    surroundings.complain(`error: ${reasonOf(error)}`);
    return 1;
  } finally {
    await levers?.close();
    ignore();
  }
}

/** Loaded only where it is wanted. */
async function leversFor(
  { dataDir }: StartOptions,
  report: (line: string) => void,
): Promise<OpenLevers> {
  const { openLevers } = await import("../fault/levers/levers.ts");
  return openLevers(layoutOf(dataDir), report);
}

/**
 * A first signal stops the cluster; more of them change nothing, stopping is bounded anyway.
 *
 * @param otherCause what else stops it, in a person's words, and whether it has come about
 */
function stopRequests(otherCause: readonly [string, () => boolean] | null): StopRequests {
  const abort = new AbortController();
  const { promise: stopRequested, resolve } = Promise.withResolvers<string>();
  const stop = (cause: string) => {
    abort.abort();
    resolve(cause);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop(signal));
  }
  // It also keeps the process from ending silently once its last child has ended.
  const watch = setInterval(() => {
    if (otherCause?.[1]() === true) stop(otherCause[0]);
  }, watchIntervalMs);
  return { stopRequested, requested: abort.signal, ignore: () => clearInterval(watch) };
}

/** A shell that is killed takes npm's signal with it: nobody else would tell us. */
function parentGone(): boolean {
  return process.ppid !== parent;
}

/** A reader of our output that goes away must not take the starter, and its duties, with it. */
function surviveClosedTerminal(): void {
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
