/** The guest agents of a compose project: one container, and a socket for each node in a volume. */
import { ChangeError } from "../../cluster/failure.ts";
import { nodeName } from "../../cluster/node.ts";
import { kill, start } from "../../docker/containers.ts";
import { docker } from "../../docker/docker.ts";
import type { AgentFaults } from "../breakable.ts";
import { type Parts, paths } from "./parts.ts";
import { workOn } from "./volumes.ts";

const bringSocketsBack =
  `for folder in ${paths.sockets}/node*; do if [ -e "$folder/dstack.sock.away" ]; then ` +
  'mv "$folder/dstack.sock.away" "$folder/dstack.sock" && echo "$folder"; fi; done';

export type AgentsOptions = {
  readonly partsNow: () => Promise<Parts>;
  readonly say: (line: string) => void;
};

export function containerAgents({ partsNow, say }: AgentsOptions): AgentFaults {
  return {
    async stop() {
      await kill((await partsNow()).simulator.name);
      say("guest agents killed");
    },
    async hide(number) {
      const { simulator } = await partsNow();
      const socket = `${paths.sockets}/${nodeName(number)}/dstack.sock`;
      // Whoever listens goes on, under a name that nobody looks for.
      const script = `if [ -S ${socket} ]; then mv ${socket} ${socket}.away && echo hidden; fi`;
      const said = simulator.status === "running" ? await sh(simulator.name, script) : "";
      if (said === "") throw new ChangeError(`${nodeName(number)}'s guest agent is away already`);
      say(`${nodeName(number)}'s guest agent is away`);
    },
    async bringBack() {
      const { simulator, nodes } = await partsNow();
      const [node] = nodes;
      if (node === undefined) return false;
      // Before they start again: that replaces a socket that nobody listens on any more.
      const back = await workOn(node, [bringSocketsBack]);
      for (const [, name] of back.matchAll(/(node\d+)$/gm)) {
        say(`${name}'s guest agent is back`);
      }
      if (simulator.status === "running") return back !== "";
      await start(simulator.name);
      say("guest agents started");
      return true;
    },
  };
}

async function sh(container: string, script: string): Promise<string> {
  return (await docker(["exec", container, "sh", "-c", script])).trim();
}
