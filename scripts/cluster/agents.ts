/** The guest-agent simulator: one socket per node, all of one app. */
import { connect, type NetConnectOpts } from "node:net";
import { compileCacheEnvironment } from "./compileCache.ts";
import { guestSocket, type Layout } from "./layout.ts";
import { host } from "./ports.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

type Agents = {
  /** Of the process that serves them; the starter's own name for it. */
  readonly service: string;
  readonly socketDir: string;
  readonly nodes: readonly string[];
  /** Where the collateral for all of their quotes is served; null: another process does. */
  readonly pccsPort: number | null;
};

/** An instance follows from its node's name: whichever process serves it, it is the same one. */
export function agentsService(programs: Programs, layout: Layout, agents: Agents): Service {
  const { service, socketDir, nodes, pccsPort } = agents;
  const args = [programs.simulatorMain, "--socket-dir", socketDir];
  args.push(...nodes.flatMap((name) => ["--instance", name]));
  if (pccsPort !== null) args.push("--pccs-port", String(pccsPort), "--pccs-host", host);
  const logFile = layout.log(service);
  return {
    name: service,
    command: { program: programs.node, args, env: compileCacheEnvironment, logFile },
    restartCode: null,
  };
}

/** Whether every instance listens, and the PCCS if there is one. */
export async function agentsListen(agents: Omit<Agents, "service">): Promise<boolean> {
  const { socketDir, nodes, pccsPort } = agents;
  const wanted: NetConnectOpts[] = nodes.map((name) => ({ path: guestSocket(socketDir, name) }));
  if (pccsPort !== null) wanted.push({ host, port: pccsPort });
  const listening = await Promise.all(wanted.map(accepts));
  return listening.every((listens) => listens);
}

function accepts(where: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(where);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
