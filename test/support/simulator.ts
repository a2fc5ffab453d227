/** The real guest-agent simulator, in a process and a folder of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, startProcess } from "./processes.ts";

export type Simulator = Pick<Running, "pid" | "stop"> & {
  /** Address of the development KMS root. */
  readonly kmsRoot: string;
  /** 20 bytes, hex without 0x. */
  readonly appId: string;
  readonly composeHash: string;
  /** One for each instance, in order. */
  readonly sockets: readonly string[];
  readonly instanceIds: readonly string[];
};

type Identity = {
  readonly kmsRoot: string;
  readonly appId: string;
  readonly composeHash: string;
  readonly instances: readonly { readonly instanceId: string; readonly socket: string }[];
};

const main = join(import.meta.dirname, "../../simulator/src/main.ts");

export async function startSimulator(
  options: { readonly instances?: number; readonly socketDir?: string } = {},
): Promise<Simulator> {
  const temporary = options.socketDir === undefined;
  const socketDir = options.socketDir ?? (await mkdtemp(join(tmpdir(), "agent-")));
  const running = await startProcess({
    command: process.execPath,
    args: [main, "--socket-dir", socketDir, "--instances", `${options.instances ?? 3}`],
    ready: /"kmsRoot"/,
    env: { NODE_ENV: "test" },
  });
  const { kmsRoot, appId, composeHash, instances } = JSON.parse(running.readyLine) as Identity;
  return {
    pid: running.pid,
    kmsRoot,
    appId,
    composeHash,
    sockets: instances.map(({ socket }) => socket),
    instanceIds: instances.map(({ instanceId }) => instanceId),
    async stop(signal) {
      await running.stop(signal);
      if (temporary) await rm(socketDir, { recursive: true, force: true });
    },
  };
}
