/** Which ports a local cluster takes, and whether they are free. All are on the loopback. */
import { createServer } from "node:net";
import { StartError } from "./failure.ts";

export type Ports = {
  readonly chain: number;
  /** Position i is the node i + 1's. */
  readonly http: readonly number[];
  readonly peer: readonly number[];
};

export const host = "127.0.0.1";
export const nodeCountMax = 9;
const peerOffset = 100;
/** From 8081 to 8545, where chain tools expect a development chain. */
const chainOffset = 464;
export const basePortMax = 65_535 - chainOffset;

export function portsOf(basePort: number, nodeCount: number): Ports {
  const positions = Array.from({ length: nodeCount }, (_, position) => position);
  return {
    chain: basePort + chainOffset,
    http: positions.map((position) => basePort + position),
    peer: positions.map((position) => basePort + peerOffset + position),
  };
}

/** @throws StartError naming every port that something else listens on */
export async function requireFree(ports: Ports): Promise<void> {
  const taken = await takenOf(ports);
  if (taken.length === 0) return;
  const list = taken.map(({ port, use }) => `${port} (${use})`).join(", ");
  const are = taken.length === 1 ? "port is" : "ports are";
  throw new StartError(`${are} in use: ${list}; free them, or choose another --base-port`);
}

/** A base port whose whole block is free now. Below the range that kernels hand out themselves. */
export async function findBasePort(nodeCount: number): Promise<number> {
  const [first, last, step] = [20_000, 30_000, 1_000];
  const offset = Math.floor(Math.random() * step);
  for (let basePort = first + offset; basePort < last; basePort += step) {
    if ((await takenOf(portsOf(basePort, nodeCount))).length === 0) return basePort;
  }
  throw new StartError(`no free block of ports between ${first} and ${last}`);
}

type Taken = { readonly port: number; readonly use: string };

async function takenOf(ports: Ports): Promise<readonly Taken[]> {
  const wanted: readonly Taken[] = [
    ...ports.http.map((port, position) => ({ port, use: `node${position + 1}, HTTP` })),
    ...ports.peer.map((port, position) => ({ port, use: `node${position + 1}, peers` })),
    { port: ports.chain, use: "chain" },
  ];
  const free = await Promise.all(wanted.map(({ port }) => isFree(port)));
  return wanted.filter((_, position) => free[position] !== true);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
