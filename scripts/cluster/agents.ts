/** The guest-agent simulator: one socket per node, all of one app. */
import { connect } from "node:net";
import { compileCacheEnvironment } from "./compileCache.ts";
import { guestSocket, type Layout } from "./layout.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

type Agents = {
  /** Of the process that serves them; the starter's own name for it. */
  readonly service: string;
  readonly socketDir: string;
  readonly nodes: readonly string[];
};

/** An instance follows from its node's name: whichever process serves it, it is the same one. */
export function agentsService(programs: Programs, layout: Layout, agents: Agents): Service {
  const { service, socketDir, nodes } = agents;
  const args = [programs.simulatorMain, "--socket-dir", socketDir];
  args.push(...nodes.flatMap((name) => ["--instance", name]));
  const logFile = layout.log(service);
  return {
    name: service,
    command: { program: programs.node, args, env: compileCacheEnvironment, logFile },
    restartCode: null,
  };
}

/** Whether every instance listens. */
export async function agentsListen(socketDir: string, names: readonly string[]): Promise<boolean> {
  const listening = await Promise.all(names.map((name) => accepts(guestSocket(socketDir, name))));
  return listening.every((listens) => listens);
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
