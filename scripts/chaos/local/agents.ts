/** The simulated guest agents in the hands of a nemesis. */
import { rename } from "node:fs/promises";
import type { Cluster } from "../../cluster/handle.ts";
import { guestSocket } from "../../cluster/layout.ts";
import { readRecord } from "../../cluster/record.ts";
import type { Agents } from "../subject.ts";

export function localAgents(cluster: Cluster): Agents {
  function socketOf(position: number): string {
    const { socketDir } = readRecord(cluster.layout.record) ?? { socketDir: "" };
    return guestSocket(socketDir, cluster.nodes[position]?.name ?? "");
  }

  return {
    async hide(position) {
      const socket = socketOf(position);
      // Whoever listens goes on, under a name that nobody looks for.
      await rename(socket, `${socket}.away`);
      return () => rename(`${socket}.away`, socket);
    },
    async kill() {
      await cluster.signalAgents("SIGKILL");
      return () => cluster.startAgents();
    },
  };
}
