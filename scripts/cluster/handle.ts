/** A running cluster in the hands of a starter, a test or a benchmark. */
import type { Deployment } from "../setup/setup.ts";
import { chainAnswers, chainService } from "./chain.ts";
import type { Context } from "./context.ts";
import { StartError } from "./failure.ts";
import type { Layout } from "./layout.ts";
import { nodeName, nodeService, nodeUrl, rpcUrlOf, serves, whyNotServing } from "./node.ts";
import type { RecordedProcess } from "./record.ts";
import { becomes } from "./wait.ts";

export type ClusterNode = {
  readonly name: string;
  readonly url: string;
  readonly logFile: string;
  readonly dataDir: string;
  /** `null` while it does not run. */
  pid(): number | null;
};

/** Positions count from 0: node1 is at 0. */
export type Cluster = {
  readonly layout: Layout;
  readonly nodes: readonly ClusterNode[];
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** SIGKILL and SIGTERM resolve once the process is gone, other signals at once. */
  kill(position: number, signal: NodeJS.Signals): Promise<void>;
  /** Starts a node that has ended, on the same data directory. Does not wait until it serves. */
  restart(position: number): Promise<void>;
  /**
   * @param positions whom to wait for; all by default
   * @throws StartError naming who does not serve within `timeoutMs`, and why
   */
  waitUntilServing(timeoutMs: number, positions?: readonly number[]): Promise<void>;
  /** Ends the chain, which keeps its state. */
  stopChain(): Promise<void>;
  /** Goes on from that state; resolves once the chain answers. */
  startChain(): Promise<void>;
  processes(): readonly RecordedProcess[];
  /** Ends everything within 5 s. May be called again. */
  stop(): Promise<void>;
};

export const answerTimeoutMs = 15_000;
const chainGraceMs = 1_000;

export function handleOf(
  context: Context,
  deployment: Deployment,
  stop: () => Promise<void>,
): Cluster {
  const { supervisor, layout } = context;
  const { ports, nodeCount } = context.record();
  const nodes = positionsOf(nodeCount).map((position) => nodeOf(context, position));
  return {
    layout,
    nodes,
    rpcUrl: rpcUrlOf(ports),
    deployment,
    async kill(position, signal) {
      const name = nodeName(position);
      supervisor.signal(name, signal);
      if (signal === "SIGKILL" || signal === "SIGTERM") await supervisor.ended(name);
    },
    restart: (position) => startNode(context, position),
    waitUntilServing: (timeoutMs, positions = positionsOf(nodeCount)) =>
      waitUntilServing(context, positions, timeoutMs),
    stopChain: () => supervisor.stop(["chain"], chainGraceMs),
    startChain: () => startChain(context),
    processes: () => supervisor.processes(),
    stop,
  };
}

export function positionsOf(nodeCount: number): readonly number[] {
  return Array.from({ length: nodeCount }, (_, position) => position);
}

/** @throws StartError when the contract is not deployed or the node runs already */
export async function startNode(context: Context, position: number): Promise<void> {
  const { ports, socketDir, deployment } = context.record();
  if (deployment === null) throw new StartError("a node needs the contract: set up first");
  const { contract } = deployment;
  const environment = context.nodeEnvironment;
  const options = { position, ports, socketDir, contract, environment };
  await context.supervisor.start(nodeService(context.programs, context.layout, options));
}

export async function startChain(context: Context): Promise<void> {
  const { ports, blockTimeSeconds } = context.record();
  const options = { port: ports.chain, blockTimeSeconds };
  await context.supervisor.start(chainService(context.programs, context.layout, options));
  await untilAnswers(context, "chain", () => chainAnswers(rpcUrlOf(ports)));
}

/** @throws StartError when the service ends meanwhile, or does not answer in time */
export async function untilAnswers(
  context: Context,
  name: string,
  answers: () => Promise<boolean>,
): Promise<void> {
  const answered = await becomes(async () => {
    context.supervisor.requireRunning(name);
    return answers();
  }, answerTimeoutMs);
  if (answered) return;
  throw new StartError(
    `${name} did not answer within ${answerTimeoutMs / 1_000} s; see ${context.layout.log(name)}`,
  );
}

async function waitUntilServing(
  context: Context,
  positions: readonly number[],
  timeoutMs: number,
): Promise<void> {
  const { supervisor, layout } = context;
  const { ports } = context.record();
  await Promise.all(
    positions.map(async (position) => {
      const [name, url] = [nodeName(position), nodeUrl(ports, position)];
      const served = await becomes(() => {
        supervisor.requireRunning(name);
        return serves(url);
      }, timeoutMs);
      if (served) return;
      throw new StartError(
        `${name} does not serve after ${timeoutMs / 1_000} s: ${await whyNotServing(url)}; ` +
          `see ${layout.log(name)}`,
      );
    }),
  );
}

function nodeOf(context: Context, position: number): ClusterNode {
  const name = nodeName(position);
  return {
    name,
    url: nodeUrl(context.record().ports, position),
    logFile: context.layout.log(name),
    dataDir: context.layout.nodeDir(name),
    pid: () => context.supervisor.processes().find((process) => process.name === name)?.pid ?? null,
  };
}
