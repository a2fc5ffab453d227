/** A simulator in a folder of its own, and three ways to speak to it. */
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type AgentVersion, parseAgentVersion } from "../../simulator/src/agentVersion.ts";
import { defaultAppCompose } from "../../simulator/src/app.ts";
import { inventedImage } from "../../simulator/src/measurement/osImage.ts";
import {
  type Simulator,
  type SimulatorSettings,
  startSimulator,
} from "../../simulator/src/simulator.ts";

export type Running = Simulator & { readonly socket: string; readonly tappdSocket: string };
export type Reply = { readonly status: number; readonly text: string; readonly body: unknown };

export const appId = Buffer.from("00112233445566778899aabbccddeeff00112233", "hex");
export const seed = "an ordinary seed";

export function agentVersion(text: string): AgentVersion {
  const version = parseAgentVersion(text);
  if (version === null) throw new Error(`expected a known version, got ${text}`);
  return version;
}

export function settings(overrides: Partial<SimulatorSettings> = {}): SimulatorSettings {
  return {
    seed,
    appId,
    appCompose: defaultAppCompose,
    agentVersion: agentVersion("0.5.8"),
    image: inventedImage("simulator"),
    device: "default",
    faults: [],
    eventLog: "real",
    instanceNames: ["node1"],
    socketDir: join(tmpdir(), "unused"),
    socketMode: null,
    tcp: null,
    pccs: null,
    collateralFaults: [],
    ...overrides,
  };
}

/** Stops, and removes its folder, when the test ends. */
export async function running(overrides: Partial<SimulatorSettings> = {}): Promise<Running> {
  const socketDir = await temporaryFolder();
  const simulator = await startSimulator(
    settings({ socketDir, ...overrides }),
    pino({ level: "silent" }),
  );
  onTestFinished(simulator.stop);
  const [first] = simulator.identity.instances;
  if (first === undefined) throw new Error("expected an instance");
  return { ...simulator, socket: first.socket, tappdSocket: first.tappdSocket };
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dstack-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

/** One JSON call. `text` is the body as it came. */
export function call(socketPath: string, path: string, body: unknown = {}): Promise<Reply> {
  return send(socketPath, "POST", path, JSON.stringify(body));
}

export function send(
  socketPath: string,
  method: string,
  path: string,
  body: string | Uint8Array = "",
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, text, body: parsed(text) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/**
 * Writes bytes to a socket and returns all that comes back until the other side ends.
 *
 * @param closing whether this side says that nothing more will follow
 */
export function exchange(
  socketPath: string,
  bytes: string | Uint8Array,
  closing = false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath }, () => {
      if (closing) socket.end(bytes);
      else socket.write(bytes);
    });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("error", reject);
  });
}

/** The text of one field of a reply. */
export function field(reply: Reply, name: string): string {
  const { body } = reply;
  const value = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== "string") throw new Error(`expected text in ${name}, got ${reply.text}`);
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
