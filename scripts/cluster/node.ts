/** One node of the cluster as a process: its environment, and whether it serves. */
import { z } from "zod";
import { compileCacheEnvironment } from "./compileCache.ts";
import { reasonOf } from "./failure.ts";
import { attestationRoot, guestSocket, type Layout } from "./layout.ts";
import { chainPortOf, host, nodePortsOf, pccsPortOf } from "./ports.ts";
import type { Programs } from "./programs.ts";
import type { Service } from "./supervisor.ts";

export type NodeOptions = {
  readonly number: number;
  readonly basePort: number;
  readonly socketDir: string;
  readonly contract: string;
  /** Knobs of the protocol, over the node's own defaults. */
  readonly environment: Readonly<Record<string, string>>;
};

/** EX_TEMPFAIL: this boot was replaced; a new process, hence a new boot, may take part. */
export const replacedExitCode = 75;

/**
 * Young objects are few. Measured: 4 saves 7 MB of an idle node and costs a tenth of the writes, 16
 * takes 11 MB more for another tenth at 256 connections, and none below.
 */
const nodeFlags = ["--max-semi-space-size=8"];

const healthTimeoutMs = 2_000;
const problemSchema = z.object({ detail: z.string() });
const waitingSchema = z.object({ waitingFor: z.string() });

export function nodeService(programs: Programs, layout: Layout, options: NodeOptions): Service {
  const { number, basePort } = options;
  const name = nodeName(number);
  const { http, peer } = nodePortsOf(basePort, number);
  const env = {
    ...compileCacheEnvironment,
    ...trustEnvironment(basePort, options.socketDir),
    ...options.environment,
    RPC_URLS: rpcUrlOf(basePort),
    CONTRACT_ADDRESS: options.contract,
    DSTACK_SIMULATOR_ENDPOINT: guestSocket(options.socketDir, name),
    ENDPOINT: nodeUrl(basePort, number),
    HTTP_HOST: host,
    HTTP_PORT: String(http),
    PEER_ENDPOINT: `${host}:${peer}`,
    PEER_HOST: host,
    PEER_PORT: String(peer),
    DATA_DIR: layout.nodeDir(name),
  };
  return {
    name,
    command: {
      program: programs.node,
      args: [...nodeFlags, programs.nodeMain],
      env,
      logFile: layout.log(name),
    },
    restartCode: replacedExitCode,
  };
}

/** Whom the nodes trust: the simulator alone, and no hardware. */
function trustEnvironment(basePort: number, socketDir: string): Readonly<Record<string, string>> {
  return {
    ATTESTATION_ROOT: attestationRoot(socketDir),
    PCCS_URL: `http://${host}:${pccsPortOf(basePort)}`,
  };
}

export function nodeName(number: number): string {
  return `node${number}`;
}

export function nodeUrl(basePort: number, number: number): string {
  return `http://${host}:${nodePortsOf(basePort, number).http}`;
}

export function rpcUrlOf(basePort: number): string {
  return `http://${host}:${chainPortOf(basePort)}`;
}

/** Whether the node is a member in good standing that hears its leader. */
export async function serves(url: string): Promise<boolean> {
  try {
    const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(healthTimeoutMs) });
    await health.body?.cancel();
    return health.ok;
  } catch {
    return false;
  }
}

/** Why a node does not serve, in its own words where it answers. */
export async function whyNotServing(url: string): Promise<string> {
  const [problem, status] = await Promise.all([ask(`${url}/health`), ask(`${url}/status`)]);
  if (typeof problem === "string") return problem;
  const reason = problemSchema.safeParse(problem.body).data?.detail ?? "serves by now";
  const waiting = typeof status === "string" ? null : waitingSchema.safeParse(status.body).data;
  return waiting == null ? reason : `${reason}; it waits for ${waiting.waitingFor}`;
}

async function ask(url: string): Promise<{ readonly body: unknown } | string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(healthTimeoutMs) });
    return { body: await response.json() };
  } catch (error) {
    return `does not answer (${reasonOf(error)})`;
  }
}
