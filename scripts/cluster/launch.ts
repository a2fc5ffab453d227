/**
 * Starts a whole cluster on this machine: chain, guest-agent simulator, set-up, nodes.
 *
 * `npm start`, the cluster tests and the benchmark all use this launcher; every part is real but
 * the TDX hardware.
 */
import type { Deployment, SetUp } from "../setup/setup.ts";
import { agentsListen, simulatorService } from "./agents.ts";
import { keepChainStateCopied } from "./chainState.ts";
import { type ClusterOptions, type Context, prepare } from "./context.ts";
import { reasonOf, StartError } from "./failure.ts";
import {
  answerTimeoutMs,
  type Cluster,
  handleOf,
  positionsOf,
  startChain,
  startNode,
  untilAnswers,
} from "./handle.ts";
import { guestSocket, removeFarSockets } from "./layout.ts";
import { nodeName, rpcUrlOf } from "./node.ts";

const serveTimeoutMs = 30_000;
/** Registration of every member, and votes, may each wait for a block or two. */
const blocksUntilServing = 8;
/** Nodes hand over and flush within this; with the rest, everything is gone within 5 s. */
const nodeGraceMs = 3_500;
const foundationGraceMs = 1_000;

/**
 * Resolves once every node serves. When it rejects, nothing is left running.
 *
 * @param signal gives up a start under way
 * @throws StartError
 */
export async function startCluster(
  options: ClusterOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Cluster> {
  const context = await prepare(options);
  const stopCopying = keepChainStateCopied(context.layout.chainState);
  const stop = once(() => {
    stopCopying();
    return stopAll(context);
  });
  const abandoned = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new StartError("the start was given up")));
  });
  try {
    return await Promise.race([startAll(context, stop), abandoned]);
  } catch (error) {
    await stop();
    throw error instanceof StartError ? error : new StartError(reasonOf(error), { cause: error });
  }
}

async function startAll(context: Context, stop: () => Promise<void>): Promise<Cluster> {
  const { report } = context;
  const [{ setUp }] = await Promise.all([
    // Takes as long to load as the others take to start.
    import("../setup/setup.ts"),
    startChain(context),
    startSimulator(context),
  ]);
  const { ports, nodeCount, blockTimeSeconds, socketDir } = context.record();
  report(`chain      anvil answers at ${rpcUrlOf(ports)}`);
  report(`simulator  ${count(nodeCount, "guest agent")} below ${socketDir}`);

  const deployment = await setUpMembers(context, setUp);
  await Promise.all(positionsOf(nodeCount).map((position) => startNode(context, position)));
  report(`nodes      ${count(nodeCount, "process", "processes")} started, not serving yet`);

  const cluster = handleOf(context, deployment, stop);
  const blocksMs = blocksUntilServing * 1_000 * (blockTimeSeconds ?? 0);
  await cluster.waitUntilServing(serveTimeoutMs + blocksMs);
  context.supervisor.announceEndings();
  return cluster;
}

async function startSimulator(context: Context): Promise<void> {
  const { programs, layout, supervisor } = context;
  const { socketDir, nodeCount } = context.record();
  await supervisor.start(simulatorService(programs, layout, { socketDir, nodeCount }));
  const names = positionsOf(nodeCount).map(nodeName);
  await untilAnswers(context, "simulator", () => agentsListen(socketDir, names));
}

async function setUpMembers(context: Context, setUp: SetUp): Promise<Deployment> {
  const { socketDir, nodeCount, ports, deployment, blockTimeSeconds } = context.record();
  const names = positionsOf(nodeCount).map(nodeName);
  try {
    const result = await setUp({
      rpcUrl: rpcUrlOf(ports),
      agents: names.map((name) => ({ name, endpoint: guestSocket(socketDir, name) })),
      contract: deployment?.contract ?? null,
      timeoutMs: answerTimeoutMs + blocksUntilServing * 1_000 * (blockTimeSeconds ?? 0),
    });
    const { chainId, contract, appId, deployed } = result;
    await context.update({ deployment: { chainId, contract, appId } });
    const done = deployed ? "deployed, members funded and minted" : "found, with its members";
    context.report(`contract   ${contract} ${done}`);
    return result;
  } catch (error) {
    const remedy = deployment === null ? "" : "; --fresh starts over without the data";
    throw new StartError(`set-up: ${reasonOf(error)}${remedy}`, { cause: error });
  }
}

async function stopAll(context: Context): Promise<void> {
  const { supervisor, record, update } = context;
  supervisor.close();
  const names = supervisor.processes().map(({ name }) => name);
  const foundations = ["chain", "simulator"];
  // Nodes first: a leader that stops hands over on the chain.
  const nodes = names.filter((name) => !foundations.includes(name));
  await supervisor.stop(nodes, nodeGraceMs);
  await supervisor.stop(foundations, foundationGraceMs);
  removeFarSockets(record().socketDir);
  await update({ supervisor: null, processes: [] });
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= action();
    return done;
  };
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}
