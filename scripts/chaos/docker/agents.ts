/** The container of the guest agents in the hands of a nemesis. */
import { rename } from "node:fs/promises";
import { agentsListen } from "../../cluster/agents.ts";
import { guestSocket } from "../../cluster/layout.ts";
import { becomes } from "../../cluster/wait.ts";
import { kill, start } from "../../docker/containers.ts";
import type { Agents } from "../subject.ts";
import type { Place } from "./place.ts";

const listensWithinMs = 30_000;

export function dockerAgents({ sockets, names }: Place, container: string): Agents {
  const agents = { socketDir: sockets, nodes: names, pccsPort: null };

  async function startAgain(): Promise<void> {
    await start(container);
    if (await becomes(() => agentsListen(agents), listensWithinMs)) return;
    throw new Error(
      `the guest agents do not listen ${listensWithinMs / 1_000} s after their start`,
    );
  }

  return {
    async hide(position) {
      const socket = guestSocket(sockets, names[position] ?? "");
      // Whoever listens goes on, under a name that nobody looks for.
      await rename(socket, `${socket}.away`);
      return () => rename(`${socket}.away`, socket);
    },
    async kill() {
      await kill(container);
      return startAgain;
    },
  };
}
