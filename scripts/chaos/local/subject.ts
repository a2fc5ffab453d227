/** The subject of processes: the cluster of `npm start`, with a proxy in every path. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import type { Command } from "../../cluster/child.ts";
import type { Cluster } from "../../cluster/handle.ts";
import { startCluster } from "../../cluster/launch.ts";
import { layoutOf } from "../../cluster/layout.ts";
import { nodeName, rpcUrlOf } from "../../cluster/node.ts";
import { host, nodePortsOf } from "../../cluster/ports.ts";
import { readRecord } from "../../cluster/record.ts";
import { ownerOf, ownersAreKnown } from "../net/owner.ts";
import { partingOf } from "../net/parting.ts";
import { startPeerProxy } from "../net/peerProxy.ts";
import { startRpcProxy } from "../net/rpcProxy.ts";
import type { Ability, Subject } from "../subject.ts";
import { localAgents } from "./agents.ts";
import { headOf, localChain } from "./chain.ts";
import { withClock } from "./clocks.ts";
import { type Clones, createClones } from "./clones.ts";
import { type LocalDisks, openDisks, settleDisks } from "./disks.ts";
import { readLog, testimonyOf } from "./evidence.ts";
import { type LocalMachines, localMachines } from "./machines.ts";

export type LocalOptions = {
  /** Everything of the run is below it. */
  readonly dataDir: string;
  readonly nodeCount: number;
  readonly basePort: number;
  readonly nodeEnvironment: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
};

const rpcTimeoutMs = 5_000;

/** @throws StartError; nothing is left running then */
export async function startLocal(options: LocalOptions, signal: AbortSignal): Promise<Subject> {
  const { dataDir, nodeCount, basePort, nodeEnvironment, report } = options;
  const layout = layoutOf(join(dataDir, "cluster"));
  const positions = Array.from({ length: nodeCount }, (_, position) => position);
  const clockFile = (position: number) => join(dataDir, `${nodeName(position + 1)}.clock`);
  const commands = new Map<number, Command>();
  const clones = createClones(basePort, commands);
  const folders = positions.map((position) => layout.nodeDir(nodeName(position + 1)));

  const rpc = await startRpcProxy({ host, upstream: rpcUrlOf(basePort) });
  const peers = await startPeerProxy({
    host,
    count: nodeCount,
    listensAt: (position) =>
      clones.peerPortOf(position) ?? nodePortsOf(basePort, position + 1).peer,
    dialler: (ports) => diallerOf(ports, layout.record, clones),
  });
  await mkdir(join(dataDir, "copies"), { recursive: true });
  const disks = openDisks({
    folders,
    copiesDir: join(dataDir, "copies"),
    whilePaused: (position, work) => whilePaused(machinesOf(), position, work),
  });
  const closeAll = async () => {
    await clones.endAll();
    await Promise.all([rpc.close(), peers.close()]);
  };

  const adaptNode = (number: number, command: Command): Command => {
    const position = number - 1;
    const clocked = withClock(command, clockFile(position));
    const proxies = {
      PEER_ENDPOINT: `${host}:${peers.ports[position]}`,
      RPC_URLS: rpc.urlOf(position),
    };
    const adapted = { ...clocked, env: { ...clocked.env, ...proxies } };
    commands.set(position, adapted);
    return adapted;
  };
  const cluster = await startCluster(
    { dataDir: layout.dataDir, nodeCount, basePort, nodeEnvironment, adaptNode, report },
    signal,
  ).catch(async (error: unknown) => {
    await closeAll();
    disks.unmount();
    throw error;
  });
  const machines = localMachines({ cluster, clones, disks, clockFile });
  function machinesOf() {
    return machines;
  }

  const genesis = await headOf(rpcEndpoint(cluster.rpcUrl, 0, rpcTimeoutMs));
  const chain = localChain(cluster, rpc, genesis);
  return {
    nodes: cluster.nodes.map(({ name, url }) => ({ name, url })),
    lacks: lacksOf(disks),
    machines,
    disks,
    network: { part: partingOf(peers.link), link: peers.link, reset: peers.reset },
    chain,
    agents: localAgents(cluster),
    evidence: () => evidenceOf(cluster, clones, chain.terms),
    async stop(keepDisks) {
      await clones.endAll();
      await cluster.stop();
      await closeAll();
      await settleDisks(disks, keepDisks ? join(dataDir, "disks") : null);
      await rm(join(dataDir, "copies"), { recursive: true, force: true });
    },
  };
}

/** By the record rather than the supervisor, which nobody can ask before the cluster has started. */
function diallerOf(
  ports: { readonly local: number; readonly remote: number },
  recordFile: string,
  clones: Clones,
): number | null {
  const known = new Map(clones.pids());
  for (const { name, pid } of readRecord(recordFile)?.processes ?? []) {
    const [, number] = /^node(\d+)$/.exec(name) ?? [];
    if (number !== undefined) known.set(pid, Number(number) - 1);
  }
  const pid = ownerOf(ports, known.keys());
  return pid === null ? null : (known.get(pid) ?? null);
}

function lacksOf({ unfillable }: LocalDisks): ReadonlyMap<Ability, string> {
  const lacks = new Map<Ability, string>();
  if (unfillable !== null) lacks.set("full-disk", unfillable);
  if (!ownersAreKnown) {
    for (const ability of ["cuts", "shaping"] as const) {
      lacks.set(ability, "telling who dials takes Linux's /proc");
    }
  }
  return lacks;
}

async function whilePaused(machines: LocalMachines, position: number, work: () => Promise<void>) {
  if (!machines.isRunning(position)) return work();
  await machines.pause(position);
  try {
    await work();
  } finally {
    await machines.resume(position);
  }
}

async function evidenceOf(
  cluster: Cluster,
  clones: Clones,
  terms: () => Promise<readonly number[]>,
) {
  const logs = [...cluster.nodes, ...clones.logs()];
  const said = logs.map(({ name, logFile }) => testimonyOf(name, readLog(logFile)));
  return {
    offices: said.flatMap(({ offices }) => offices),
    endings: said.flatMap(({ endings }) => endings),
    terms: await terms(),
  };
}
