/** dstack-cluster as a subject: the cluster of `npm start`, with its defaults. */
import { z } from "zod";
import { startCluster } from "../cluster/launch.ts";
import { findBasePort } from "../cluster/ports.ts";
import type { Subject } from "./subject.ts";

const nodeCount = 3;
const healTimeoutMs = 60_000;
const statusSchema = z.object({ leader: z.object({ endpoint: z.string() }).nullable() });

export async function startOurs(dataDir: string): Promise<Subject> {
  const basePort = await findBasePort(nodeCount);
  const report = (line: string) => process.stderr.write(`${line}\n`);
  const cluster = await startCluster({ dataDir, basePort, nodeCount, report });
  const urlOf = (position: number) => cluster.nodes[position]?.url ?? "";
  const read = (position: number, consistency: string) =>
    ({
      url: `${urlOf(position)}/counter?consistency=${consistency}`,
      method: "GET",
      body: null,
    }) as const;
  return {
    name: "dstack-cluster",
    members: cluster.nodes,
    async leader() {
      const live = cluster.nodes.find((node) => node.pid() !== null);
      const answer = await fetch(`${live?.url}/status`);
      const { leader } = statusSchema.parse(await answer.json());
      return cluster.nodes.findIndex(({ url }) => url === leader?.endpoint);
    },
    write: (position) => ({ url: `${urlOf(position)}/increment`, method: "POST", body: null }),
    linearizableRead: (position) => read(position, "linearizable"),
    localRead: (position) => read(position, "local"),
    kill: (position) => cluster.kill(position, "SIGKILL"),
    async heal(position) {
      await cluster.restart(position);
      await cluster.waitUntilServing(healTimeoutMs, [position]);
    },
    stop: () => cluster.stop(),
  };
}
