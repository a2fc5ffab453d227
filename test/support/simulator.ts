/** The real guest-agent simulator, in a process and a folder of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCacheEnvironment } from "../../scripts/cluster/compileCache.ts";
import type { CollateralFault, QuoteFault } from "../../simulator/src/faults.ts";
import type { Identity } from "../../simulator/src/simulator.ts";
import { freePort, type Running, startProcess } from "./processes.ts";

export type Simulator = Pick<Running, "pid" | "stop"> & {
  /** Address of the development KMS root. */
  readonly kmsRoot: string;
  /** 20 bytes, hex without 0x. */
  readonly appId: string;
  readonly composeHash: string;
  /** One for each instance, in order. */
  readonly sockets: readonly string[];
  readonly instanceIds: readonly string[];
  /** 32 bytes, hex without 0x, as is all in `measurements`. */
  readonly deviceId: string;
  readonly measurements: Identity["measurements"];
  /** Path of the PEM file of the root that its quotes lead to. */
  readonly attestationRoot: string;
  /** URL of the mock PCCS, or `null` without `pccs: true`. */
  readonly pccs: string | null;
  /** What is wrong with the PCCS from now on. @throws Error without `pccs: true` */
  setFaults(faults: readonly CollateralFault[]): Promise<void>;
};

export type SimulatorOptions = {
  readonly instances?: number;
  readonly socketDir?: string;
  /** Whether a mock PCCS is served, on a free port. */
  readonly pccs?: boolean;
  readonly faults?: readonly (QuoteFault | CollateralFault)[];
  /** More of the simulator's own options. */
  readonly args?: readonly string[];
};

const main = join(import.meta.dirname, "../../simulator/src/main.ts");

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const temporary = options.socketDir === undefined;
  const socketDir = options.socketDir ?? (await mkdtemp(join(tmpdir(), "agent-")));
  const running = await startProcess({
    command: process.execPath,
    args: [main, "--socket-dir", socketDir, ...(await simulatorArguments(options))],
    ready: /"kmsRoot"/,
    env: { ...compileCacheEnvironment, NODE_ENV: "test" },
  });
  const { instances, ...identity } = JSON.parse(running.readyLine) as Identity;
  const { kmsRoot, appId, composeHash, deviceId, measurements, attestationRoot, pccs } = identity;
  return {
    pid: running.pid,
    kmsRoot,
    appId,
    composeHash,
    sockets: instances.map(({ socket }) => socket),
    instanceIds: instances.map(({ instanceId }) => instanceId),
    deviceId,
    measurements,
    attestationRoot,
    pccs,
    async setFaults(faults) {
      if (pccs === null) throw new Error("expected a simulator with a PCCS");
      const body = JSON.stringify(faults);
      const response = await fetch(new URL("/faults", pccs), { method: "POST", body });
      if (!response.ok) throw new Error(await response.text());
    },
    async stop(signal) {
      await running.stop(signal);
      if (temporary) await rm(socketDir, { recursive: true, force: true });
    },
  };
}

async function simulatorArguments(options: SimulatorOptions): Promise<readonly string[]> {
  const { instances = 3, pccs = false, faults = [], args = [] } = options;
  return [
    "--instances",
    `${instances}`,
    ...(pccs ? ["--pccs-port", `${await freePort()}`, "--fault-control"] : []),
    ...faults.flatMap((name) => ["--fault", name]),
    ...args,
  ];
}
