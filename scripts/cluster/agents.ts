/** The guest-agent simulator: one socket per node. */
import { connect } from "node:net";
import { compileCacheEnvironment } from "./compileCache.ts";
import { guestSocket, type Layout } from "./layout.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

export function simulatorService(
  programs: Programs,
  layout: Layout,
  sockets: { readonly socketDir: string; readonly nodeCount: number },
): Service {
  const args = [programs.simulatorMain, "--socket-dir", sockets.socketDir];
  args.push("--instances", String(sockets.nodeCount));
  const logFile = layout.log("simulator");
  return {
    name: "simulator",
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
