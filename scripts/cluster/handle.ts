/** A running cluster in the hands of a starter, a test or a benchmark. */
import { chainAnswers, chainService } from "./chain.ts";
import type { Context } from "./context.ts";
import type { Layout } from "./layout.ts";
import { agentServiceOf } from "./members/change.ts";
import type { ChangeOptions, Changes, LeaveOptions } from "./members/changes.ts";
import { nodeName, nodeUrl, rpcUrlOf } from "./node.ts";
import { agentsName, startAgents, startNode, untilAnswers, waitUntilServing } from "./nodes.ts";
import { type ClusterRecord, numbersIn, type RecordedProcess } from "./record.ts";

export type ClusterNode = {
  readonly name: string;
  readonly url: string;
  readonly logFile: string;
  readonly dataDir: string;
  /** `null` while it does not run. */
  pid(): number | null;
};

/** Positions count from 0: node1 is at 0. They are never given to another node. */
export type Cluster = {
  readonly layout: Layout;
  /** By position: all that this data directory has ever had, those that have left as well. */
  readonly nodes: readonly ClusterNode[];
  readonly rpcUrl: string;
  readonly deployment: NonNullable<ClusterRecord["deployment"]>;
  /** Of the nodes that have not left. */
  positions(): readonly number[];
  /** SIGKILL and SIGTERM resolve once the process is gone, other signals at once. */
  kill(position: number, signal: NodeJS.Signals): Promise<void>;
  /** Starts a node that has ended, on the same data directory. Does not wait until it serves. */
  restart(position: number): Promise<void>;
  /**
   * @param positions whom to wait for; all that have not left by default
   * @throws StartError naming who does not serve within `timeoutMs`, and why
   */
  waitUntilServing(timeoutMs: number, positions?: readonly number[]): Promise<void>;
  /**
   * Adds a node; resolves with its position once it serves as a member.
   *
   * @throws ChangeError
   */
  join(options?: ChangeOptions): Promise<number>;
  /**
   * Resolves once the others go on without the node and its process has ended.
   *
   * @throws ChangeError
   */
  leave(position: number, options?: LeaveOptions): Promise<void>;
  /** SIGKILL resolves once the guest agents of the first start are gone, other signals at once. */
  signalAgents(signal: NodeJS.Signals): Promise<void>;
  /** After SIGKILL: the same instances again. Resolves once they listen. */
  startAgents(): Promise<void>;
  /** Ends the chain, which keeps its state. */
  stopChain(): Promise<void>;
  /** Goes on from that state; resolves once the chain answers. */
  startChain(): Promise<void>;
  processes(): readonly RecordedProcess[];
  /** Ends everything within 5 s. May be called again. */
  stop(): Promise<void>;
};

const chainGraceMs = 1_000;

export function handleOf(
  context: Context,
  deployment: Cluster["deployment"],
  changes: Changes,
  stop: () => Promise<void>,
): Cluster {
  const { supervisor, layout, record } = context;
  const positions = () => numbersIn(record()).map(positionOf);
  return {
    layout,
    get nodes() {
      return Array.from({ length: record().lastNumber }, (_, at) => nodeOf(context, numberOf(at)));
    },
    rpcUrl: rpcUrlOf(record().basePort),
    deployment,
    positions,
    async kill(position, signal) {
      const name = nodeName(numberOf(position));
      supervisor.signal(name, signal);
      if (signal === "SIGKILL" || signal === "SIGTERM") await supervisor.ended(name);
    },
    restart: (position) => startNode(context, numberOf(position)),
    waitUntilServing: (timeoutMs, awaited = positions()) =>
      waitUntilServing(context, awaited.map(numberOf), timeoutMs),
    join: async (options = {}) => positionOf(await changes.join(options)),
    leave: (position, options = {}) => changes.leave(numberOf(position), options),
    async signalAgents(signal) {
      supervisor.signal(agentsName, signal);
      if (signal === "SIGKILL") await supervisor.ended(agentsName);
    },
    startAgents() {
      // One that joined later has a process of its own for its guest agent.
      const lacking = (number: number) => !supervisor.isRunning(agentServiceOf(number));
      return startAgents(context, agentsName, numbersIn(record()).filter(lacking));
    },
    stopChain: () => supervisor.stop(["chain"], chainGraceMs),
    startChain: () => startChain(context),
    processes: () => supervisor.processes(),
    stop,
  };
}

export async function startChain(context: Context): Promise<void> {
  const { basePort, blockTimeSeconds } = context.record();
  const rpcUrl = rpcUrlOf(basePort);
  const options = { basePort, blockTimeSeconds };
  await context.supervisor.start(chainService(context.programs, context.layout, options));
  await untilAnswers(context, "chain", () => chainAnswers(rpcUrl));
}

function positionOf(number: number): number {
  return number - 1;
}

function numberOf(position: number): number {
  return position + 1;
}

function nodeOf({ layout, supervisor, record }: Context, number: number): ClusterNode {
  const name = nodeName(number);
  return {
    name,
    url: nodeUrl(record().basePort, number),
    logFile: layout.log(name),
    dataDir: layout.nodeDir(name),
    pid: () => supervisor.processes().find((process) => process.name === name)?.pid ?? null,
  };
}
