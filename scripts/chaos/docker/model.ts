/**
 * The compose model of a cluster under test, made from that of `compose/cluster.yaml`: as many nodes
 * as wanted, and what a nemesis needs to lay its hands on.
 *
 * - Each pair of nodes has a network of its own, so that any set of pairs can be parted.
 * - Folders of the host stand in for volumes, and containers run as its user: disks can be copied.
 * - The chain is published on the loopback; nodes may be led to it by a proxy each.
 */
import { join } from "node:path";
import { z } from "zod";
import { host } from "../../cluster/ports.ts";
import { aliasOf, clockNameOf, cloneOf, linkOf, type Place } from "./place.ts";

const volumeSchema = z.looseObject({ source: z.string(), target: z.string() });
const serviceSchema = z.looseObject({
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()),
  volumes: z.array(volumeSchema).default([]),
  networks: z.record(z.string(), z.unknown()).optional(),
  healthcheck: z.looseObject({}).optional(),
});
/** What `docker compose config --format json` prints, as far as it is looked at here. */
export const baseSchema = z.object({
  services: z.object({
    prepare: serviceSchema,
    chain: serviceSchema,
    simulator: serviceSchema,
    pccs: serviceSchema,
    "set-up": serviceSchema,
    node1: serviceSchema,
  }),
  networks: z.record(z.string(), z.looseObject({ name: z.string() })),
});

export type Base = z.infer<typeof baseSchema>;
type Service = z.infer<typeof serviceSchema>;

export type ModelOptions = {
  readonly place: Place;
  readonly project: string;
  /** `uid:gid`, as whom everything runs. */
  readonly user: string;
  readonly nodeEnvironment: Readonly<Record<string, string>>;
  /** The file on the host that shifts a node's clock. */
  readonly clockPreload: string;
  /** By position: where each node finds the chain; `null`: as in the base. */
  readonly rpcUrls: readonly string[] | null;
};

/** Services of this profile are not started with the others. */
export const clonesProfile = "clones";
const clocksTarget = "/chaos/clocks";
/** So named, it is a module wherever it lies. */
const preloadTarget = "/chaos/clock.mts";
const dataTarget = "/data";
const chainPort = 8545;
const nodePort = 8080;

export function modelOf(base: Base, options: ModelOptions): unknown {
  const { place, project } = options;
  const { services } = base;
  const nodes = place.names.flatMap((name, position) => {
    const node = nodeService(services.node1, position, options);
    return [
      [name, { ...node, ports: [published(place.ports[position] ?? 0, nodePort)] }] as const,
      [cloneOf(name), cloneService(node, place.cloneDisks[position] ?? "")] as const,
    ];
  });
  return {
    name: project,
    services: {
      prepare: common(services.prepare, options),
      chain: chainService(services.chain, options),
      simulator: simulatorService(services.simulator, options),
      pccs: common(services.pccs, options),
      "set-up": setUpService(services["set-up"], options),
      ...Object.fromEntries(nodes),
    },
    networks: networksOf(base, place.nodeCount),
  };
}

/** What every container has: the host's user and folders, and a log that is kept whole. */
function common({ build, ...service }: Service, { place, user }: ModelOptions) {
  const folders: Readonly<Record<string, string>> = {
    chain: place.chain,
    sockets: place.sockets,
    contract: place.contract,
  };
  return {
    ...service,
    user,
    volumes: service.volumes.map((volume) => bound(volume, folders[volume.source] ?? "")),
    logging: { driver: "json-file", options: { "max-size": "1g" } },
  };
}

function chainService(service: Service, options: ModelOptions) {
  const chain = common(service, options);
  return {
    ...chain,
    // Nothing is published of a container that is on internal networks alone.
    networks: { ...chain.networks, front: null },
    ports: [published(options.place.chainPort, chainPort)],
  };
}

function simulatorService(service: Service, options: ModelOptions) {
  const { place } = options;
  const simulator = common(service, options);
  const socket = `/cluster/sockets/${place.names.at(-1)}/dstack.sock`;
  return {
    ...simulator,
    command: simulator.command.map((word) =>
      word.startsWith("--instances=") ? `--instances=${place.nodeCount}` : word,
    ),
    healthcheck: { ...service.healthcheck, test: ["CMD", "test", "-S", socket] },
  };
}

function setUpService(service: Service, options: ModelOptions) {
  const setUp = common(service, options);
  const agents = options.place.names.map((name) => `${name}=/cluster/sockets/${name}/dstack.sock`);
  return { ...setUp, environment: { ...setUp.environment, AGENTS: agents.join(",") } };
}

function nodeService(service: Service, position: number, options: ModelOptions) {
  const { place, nodeEnvironment, clockPreload, rpcUrls } = options;
  const name = place.names[position] ?? "";
  // A health check is a process a second while a node starts, for what is seen from outside anyway.
  const { volumes, networks, healthcheck, ...node } = common(service, options);
  const peers = place.names.flatMap((_, other) => (other === position ? [] : [other]));
  const links = peers.map((other) => [linkOf(position, other), { aliases: [aliasOf(name)] }]);
  const { mesh, ...otherNetworks } = networks ?? {};
  const { PEER_ENDPOINT: peerEndpoint = "" } = node.environment;
  const [, peerPort] = peerEndpoint.split(":");
  const rpcUrl = rpcUrls?.[position];
  return {
    ...node,
    // The clock comes before the program's own file, the last argument.
    command: node.command.toSpliced(-1, 0, "--import", preloadTarget),
    environment: {
      ...node.environment,
      ...nodeEnvironment,
      ...(rpcUrl === undefined ? {} : { RPC_URLS: rpcUrl }),
      DSTACK_SIMULATOR_ENDPOINT: `/cluster/sockets/${name}/dstack.sock`,
      ENDPOINT: place.urls[position],
      PEER_ENDPOINT: `${aliasOf(name)}:${peerPort}`,
      CHAOS_CLOCK: join(clocksTarget, clockNameOf(name)),
    },
    networks: { ...otherNetworks, ...Object.fromEntries(links) },
    volumes: [
      ...volumes.filter(({ target }) => target !== dataTarget),
      bind(place.disks[position] ?? "", dataTarget),
      { ...bind(clockPreload, preloadTarget), read_only: true },
      { ...bind(place.clocks, clocksTarget), read_only: true },
    ],
  };
}

type NodeService = ReturnType<typeof nodeService>;

/** The same member beside it. Nobody waits for it, asks it anything or starts it again. */
function cloneService(node: NodeService, disk: string) {
  const { depends_on, ...rest } = node as NodeService & { readonly depends_on?: unknown };
  const others = node.volumes.filter(({ target }) => target !== dataTarget);
  return {
    ...rest,
    profiles: [clonesProfile],
    restart: "no",
    volumes: [...others, bind(disk, dataTarget)],
    ports: [],
  };
}

function networksOf({ networks }: Base, nodeCount: number) {
  const { mesh, back, front } = networks;
  const pairs = Array.from({ length: nodeCount }, (_, a) =>
    Array.from({ length: a }, (_, b) => linkOf(a, b)),
  ).flat();
  const unnamed = (network: object | undefined) => ({ ...network, name: undefined });
  return {
    back: unnamed(back),
    front: unnamed(front),
    ...Object.fromEntries(pairs.map((pair) => [pair, unnamed(mesh)])),
  };
}

type Volume = { readonly target: string; readonly read_only?: unknown };

function bound({ target, read_only }: Volume, source: string) {
  return { ...bind(source, target), ...(read_only === undefined ? {} : { read_only }) };
}

/** Docker would make a folder that is missing, but as root. */
function bind(source: string, target: string) {
  return { type: "bind", source, target, bind: { create_host_path: false } };
}

function published(port: number, target: number) {
  return { host_ip: host, published: String(port), target, protocol: "tcp" };
}
