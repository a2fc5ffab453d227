/** dstack-cluster as a subject: the cluster of `npm start`, with its defaults. */
import { z } from "zod";
import type { AdaptNode } from "../cluster/context.ts";
import type { Cluster } from "../cluster/handle.ts";
import { startCluster } from "../cluster/launch.ts";
import { layoutOf } from "../cluster/layout.ts";
import { nodeName } from "../cluster/node.ts";
import { findBasePort, firstNumbers, host, nodePortsOf } from "../cluster/ports.ts";
import { readRecord } from "../cluster/record.ts";
import { openPeerNetwork, type PeerNetwork } from "./recovery/network.ts";
import type { Subject } from "./subject.ts";

const nodeCount = 3;
const readyTimeoutMs = 60_000;
const statusSchema = z.object({ leader: z.object({ endpoint: z.string() }).nullable() });
const indexSchema = z.object({ index: z.number() });

/** @param inPath puts a proxy between the nodes */
export async function startOurs(
  dataDir: string,
  { inPath }: { readonly inPath: boolean },
): Promise<Subject> {
  const basePort = await findBasePort(nodeCount);
  const network = inPath ? await openNetwork(dataDir, basePort) : null;
  const report = (line: string) => process.stderr.write(`${line}\n`);
  const adapted = network === null ? {} : { adaptNode: advertising(network) };
  const cluster = await startCluster({ dataDir, basePort, nodeCount, report, ...adapted }).catch(
    async (error: unknown) => {
      await network?.close();
      throw error;
    },
  );
  return { ...clientsSide(cluster), ...processSide(cluster, network) };
}

function openNetwork(dataDir: string, basePort: number): Promise<PeerNetwork> {
  return openPeerNetwork({
    names: firstNumbers(nodeCount).map(nodeName),
    listensAt: (position) => nodePortsOf(basePort, position + 1).peer,
    // By the record: nobody can ask the cluster before it has started.
    processes: () => readRecord(layoutOf(dataDir).record)?.processes ?? [],
  });
}

function advertising({ ports }: PeerNetwork): AdaptNode {
  return (number, command) => ({
    ...command,
    env: { ...command.env, PEER_ENDPOINT: `${host}:${ports[number - 1]}` },
  });
}

function clientsSide({ nodes }: Cluster) {
  const urlOf = (position: number) => nodes[position]?.url ?? "";
  const read = (position: number, consistency: string) =>
    ({
      url: `${urlOf(position)}/counter?consistency=${consistency}`,
      method: "GET",
      body: null,
    }) as const;
  return {
    name: "dstack-cluster",
    members: nodes,
    async leader() {
      const live = nodes.find((node) => node.pid() !== null);
      const answer = await fetch(`${live?.url}/status`);
      const { leader } = statusSchema.parse(await answer.json());
      return nodes.findIndex(({ url }) => url === leader?.endpoint);
    },
    write: (position: number) =>
      ({ url: `${urlOf(position)}/increment`, method: "POST", body: null }) as const,
    linearizableRead: (position: number) => read(position, "linearizable"),
    localRead: (position: number) => read(position, "local"),
    writtenAt: (acknowledgement: unknown) => indexSchema.parse(acknowledgement).index,
    shownAt: (answer: unknown) => indexSchema.parse(answer).index,
  };
}

function processSide(cluster: Cluster, network: PeerNetwork | null) {
  return {
    network,
    signal: cluster.kill,
    restart: cluster.restart,
    ready: (position: number) => cluster.waitUntilServing(readyTimeoutMs, [position]),
    async stop() {
      await cluster.stop();
      await network?.close();
    },
  };
}
