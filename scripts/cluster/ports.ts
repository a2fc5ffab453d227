/** Which ports a local cluster takes, and whether they are free. All are on the loopback. */
import { createServer } from "node:net";
import { StartError } from "./failure.ts";

export type NodePorts = {
  /** node1 has number 1. */
  readonly number: number;
  readonly http: number;
  readonly peer: number;
};

export type Ports = {
  readonly chain: number;
  readonly pccs: number;
  readonly nodes: readonly NodePorts[];
};

export const host = "127.0.0.1";
/** At once, on one machine. */
export const nodeCountMax = 9;
const peerOffset = 100;
/** A number is never given twice, and each has ports of its own. */
export const nodeNumberMax = peerOffset - 1;
/** From 8081 to 8545, where chain tools expect a development chain. */
const chainOffset = 464;
/** Right after the chain: 8546. */
const pccsOffset = chainOffset + 1;
export const basePortMax = 65_535 - pccsOffset;

export function portsOf(basePort: number, numbers: readonly number[]): Ports {
  return {
    chain: chainPortOf(basePort),
    pccs: pccsPortOf(basePort),
    nodes: numbers.map((number) => nodePortsOf(basePort, number)),
  };
}

export function chainPortOf(basePort: number): number {
  return basePort + chainOffset;
}

/** Where the simulator serves the collateral that nodes verify quotes with. */
export function pccsPortOf(basePort: number): number {
  return basePort + pccsOffset;
}

export function nodePortsOf(basePort: number, number: number): NodePorts {
  const http = basePort + number - 1;
  return { number, http, peer: http + peerOffset };
}

/** The numbers of a new cluster's nodes. */
export function firstNumbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, position) => position + 1);
}

/**
 * @param remedy what a person can do about it
 * @throws StartError naming every port that something else listens on
 */
export async function requireFree(ports: readonly Port[], remedy: string): Promise<void> {
  const taken = await takenOf(ports);
  if (taken.length === 0) return;
  const list = taken.map(({ port, use }) => `${port} (${use})`).join(", ");
  const are = taken.length === 1 ? "port is" : "ports are";
  throw new StartError(`${are} in use: ${list}; ${remedy}`);
}

/** A base port whose whole block is free now. Below the range that kernels hand out themselves. */
export async function findBasePort(nodeCount: number): Promise<number> {
  const [first, last, step] = [20_000, 30_000, 1_000];
  const offset = Math.floor(Math.random() * step);
  for (let basePort = first + offset; basePort < last; basePort += step) {
    const ports = portsOf(basePort, firstNumbers(nodeCount));
    if ((await takenOf(portsInUse(ports))).length === 0) return basePort;
  }
  throw new StartError(`no free block of ports between ${first} and ${last}`);
}

export type Port = { readonly port: number; readonly use: string };

export function portsInUse({ chain, pccs, nodes }: Ports): readonly Port[] {
  const foundation = [
    { port: chain, use: "chain" },
    { port: pccs, use: "PCCS" },
  ];
  return [...nodes.flatMap(portsOfNode), ...foundation];
}

export function portsOfNode({ number, http, peer }: NodePorts): readonly Port[] {
  return [
    { port: http, use: `node${number}, HTTP` },
    { port: peer, use: `node${number}, peers` },
  ];
}

async function takenOf(wanted: readonly Port[]): Promise<readonly Port[]> {
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
