/** Where a cluster of containers keeps what, and what its parts are called. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { nodeName } from "../../cluster/node.ts";
import { chainPortOf, host, nodePortsOf } from "../../cluster/ports.ts";

/** All folders are absolute, on the host, and mounted into containers. */
export type Place = {
  readonly nodeCount: number;
  /** `node1` and so on, by position: services, and names of their disks. */
  readonly names: readonly string[];
  readonly composeFile: string;
  readonly chain: string;
  readonly sockets: string;
  readonly contract: string;
  readonly clocks: string;
  readonly logs: string;
  /** By position. */
  readonly disks: readonly string[];
  /** Of a node's second container, by position. */
  readonly cloneDisks: readonly string[];
  /** By position, on the loopback. */
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  readonly chainPort: number;
};

export type PlaceOptions = {
  readonly dataDir: string;
  readonly nodeCount: number;
  readonly basePort: number;
  /** Of a path short enough for sockets in it. */
  readonly sockets: string;
};

export function placeOf({ dataDir, nodeCount, basePort, sockets }: PlaceOptions): Place {
  const names = Array.from({ length: nodeCount }, (_, position) => nodeName(position + 1));
  const ports = names.map((_, position) => nodePortsOf(basePort, position + 1).http);
  const within = (...path: readonly string[]) => join(dataDir, "cluster", ...path);
  return {
    nodeCount,
    names,
    composeFile: within("compose.json"),
    chain: within("chain"),
    sockets,
    contract: within("contract"),
    clocks: within("clocks"),
    logs: within("logs"),
    disks: names.map((name) => within(name)),
    cloneDisks: names.map((name) => within(cloneOf(name))),
    ports,
    urls: ports.map((port) => `http://${host}:${port}`),
    chainPort: chainPortOf(basePort),
  };
}

/** Docker would make them itself, but as root. */
export function makeFolders(place: Place): void {
  const { chain, contract, clocks, logs, disks, cloneDisks } = place;
  for (const folder of [chain, contract, clocks, logs, ...disks, ...cloneDisks]) {
    mkdirSync(folder, { recursive: true });
  }
}

/** A node's second container. */
export function cloneOf(name: string): string {
  return `${name}-clone`;
}

/** How the members know a node: a name on its links alone. */
export function aliasOf(name: string): string {
  return `${name}.mesh`;
}

/** The network of two nodes, whichever is named first. */
export function linkOf(a: number, b: number): string {
  return `link-${Math.min(a, b) + 1}-${Math.max(a, b) + 1}`;
}

/** What a node's clock file is called on both sides of the mount. */
export function clockNameOf(name: string): string {
  return `${name}.clock`;
}
