/** The simulated guest agents of a cluster of processes. */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import type { FaultRequest } from "../../cluster/control/words.ts";
import { ChangeError } from "../../cluster/failure.ts";
import { guestSocket } from "../../cluster/layout.ts";
import { nodeName } from "../../cluster/node.ts";
import type { ClusterRecord } from "../../cluster/record.ts";
import type { AgentFaults } from "../breakable.ts";

export type AgentsOptions = {
  readonly record: ClusterRecord;
  readonly ask: (request: FaultRequest) => Promise<void>;
  readonly say: (line: string) => void;
};

const away = ".away";

export function localAgents({ record, ask, say }: AgentsOptions): AgentFaults {
  const socketOf = (number: number) => guestSocket(record.socketDir, nodeName(number));
  const theyRun = record.processes.some(({ name }) => name === "simulator");

  async function bringSocketsBack(): Promise<boolean> {
    let any = false;
    for (const { number } of record.nodes) {
      const socket = socketOf(number);
      if (!existsSync(`${socket}${away}`)) continue;
      await rename(`${socket}${away}`, socket);
      say(`${nodeName(number)}'s guest agent is back`);
      any = true;
    }
    return any;
  }

  return {
    stop: () => ask({ kind: "part-fault", act: "stop-agents" }),
    async hide(number) {
      const name = nodeName(number);
      const socket = socketOf(number);
      if (!existsSync(socket)) throw new ChangeError(`${name}'s guest agent is away already`);
      // Whoever listens goes on, under a name that nobody looks for.
      await rename(socket, `${socket}${away}`);
      say(`${name}'s guest agent is away`);
    },
    async bringBack() {
      const any = await bringSocketsBack();
      if (!theyRun) await ask({ kind: "part-fault", act: "start-agents" });
      return any || !theyRun;
    },
  };
}
