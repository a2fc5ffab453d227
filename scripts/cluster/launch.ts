/**
 * Starts a whole cluster on this machine: chain, guest-agent simulator, set-up, nodes.
 *
 * `npm start`, the cluster tests and the benchmark all use this launcher; every part is real but
 * the TDX hardware.
 */
import { keepChainStateCopied } from "./chainState.ts";
import { type ClusterOptions, type Context, prepare } from "./context.ts";
import { createFaults } from "./control/faults.ts";
import { openControl } from "./control/server.ts";
import { reasonOf, StartError } from "./failure.ts";
import { type Cluster, handleOf, startChain } from "./handle.ts";
import { controlSocket, removeFarSockets } from "./layout.ts";
import { nodeName, rpcUrlOf } from "./node.ts";
import { agentsName, blocksMs, startAgents, startNode, waitUntilServing } from "./nodes.ts";
import { type NodeAtStart, provision } from "./provision.ts";
import { numbersIn } from "./record.ts";

const serveTimeoutMs = 60_000;
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
  const closing: Closing[] = [stopCopying];
  const stop = once(async () => {
    for (const close of closing.toReversed()) await close();
    await stopAll(context);
  });
  const abandoned = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new StartError("the start was given up")));
  });
  try {
    return await Promise.race([startAll(context, closing, stop), abandoned]);
  } catch (error) {
    await stop();
    throw error instanceof StartError ? error : new StartError(reasonOf(error), { cause: error });
  }
}

/** What ends before the processes do. */
type Closing = () => void | Promise<void>;

async function startAll(
  context: Context,
  closing: Closing[],
  stop: () => Promise<void>,
): Promise<Cluster> {
  const { report, record } = context;
  const all = numbersIn(record());
  const [{ setUp }, { createChanges }] = await Promise.all([
    // These take as long to load as the others take to start.
    import("../setup/setup.ts"),
    import("./members/changes.ts"),
    startChain(context),
    startAgents(context, agentsName, all),
  ]);
  report(`chain      anvil answers at ${rpcUrlOf(record().basePort)}`);
  report(`simulator  ${count(all.length, "guest agent")} below ${record().socketDir}`);

  const { deployment, nodes } = await provision(context, setUp);
  const awaited = nodes.filter(mustServe);
  await Promise.all(nodes.map(({ number }) => startNode(context, number)));
  report(`nodes      ${count(nodes.length, "process", "processes")} started, not serving yet`);
  warnOfRevoked(context, nodes);

  const timeoutMs = serveTimeoutMs + blocksMs(context);
  await waitUntilServing(context, numbersIn({ nodes: awaited }), timeoutMs);
  context.supervisor.announceEndings();

  const changes = createChanges(context);
  const cluster = handleOf(context, deployment, changes, stop);
  const faults = createFaults(cluster, context);
  const control = await openControl(controlSocket(record().socketDir), { changes, faults });
  closing.push(control.close, changes.close);
  changes.resume();
  return cluster;
}

/** One that leaves must run, for the others may still need it, but may be gone any moment. */
function mustServe({ leaving, before }: NodeAtStart): boolean {
  return !leaving && before !== "revoked";
}

function warnOfRevoked({ report }: Context, nodes: readonly NodeAtStart[]): void {
  for (const { number } of nodes.filter(({ before }) => before === "revoked")) {
    const name = nodeName(number);
    const remedy = `\`npm run leave -- ${number} --forget\` strikes it off`;
    report(`${name.padEnd(10)} revoked by the owner, and not waited for; ${remedy}`);
  }
}

async function stopAll(context: Context): Promise<void> {
  const { supervisor, record, update } = context;
  supervisor.close();
  const names = supervisor.processes().map(({ name }) => name);
  // Nodes first: a leader that stops hands over on the chain.
  await supervisor.stop(
    names.filter((name) => /^node\d+$/.test(name)),
    nodeGraceMs,
  );
  await supervisor.stop(names, foundationGraceMs);
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
