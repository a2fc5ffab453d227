import { describe, expect, test } from "vitest";
import { baseSchema, modelOf } from "../../../../scripts/chaos/docker/model.ts";
import { placeOf } from "../../../../scripts/chaos/docker/place.ts";

const common = { image: "dstack-cluster:x", user: "1000:1000", read_only: true };
const volumes = (...sources: readonly string[]) =>
  sources.map((source) => ({ type: "volume", source, target: `/cluster/${source}`, volume: {} }));
/** As `docker compose config --format json` prints what `compose/cluster.yaml` says. */
const base = baseSchema.parse({
  name: "base",
  services: {
    prepare: {
      ...common,
      build: { context: "/source" },
      command: ["p"],
      volumes: volumes("chain"),
    },
    chain: {
      ...common,
      image: "foundry",
      command: ["exec anvil"],
      networks: { back: null },
      volumes: volumes("chain"),
    },
    simulator: {
      ...common,
      command: ["node", "s", "--socket-dir=/cluster/sockets", "--instances=3"],
      healthcheck: { test: ["CMD", "test"], start_interval: "300ms" },
      volumes: volumes("sockets"),
    },
    pccs: { ...common, command: ["node", "s", "--instances=0"], networks: { back: null } },
    "set-up": {
      ...common,
      command: ["node", "u"],
      environment: { RPC_URL: "http://chain:8545", AGENTS: "node1=/a" },
      networks: { back: null },
      volumes: volumes("sockets", "contract"),
    },
    node1: {
      ...common,
      command: ["node", "--flag", "main.js"],
      depends_on: { chain: { condition: "service_healthy" } },
      environment: {
        RPC_URLS: "http://chain:8545",
        ENDPOINT: "http://127.0.0.1:8081",
        PEER_ENDPOINT: "node1.mesh:8181",
      },
      networks: { mesh: { aliases: ["node1.mesh"] }, back: null, front: null },
      ports: [{ target: 8080, published: "8081", host_ip: "127.0.0.1" }],
      restart: "on-failure:10",
      volumes: [
        { type: "volume", source: "node1", target: "/data" },
        ...volumes("sockets", "contract"),
      ],
    },
  },
  networks: {
    mesh: { name: "base_mesh", internal: true },
    back: { name: "base_back", internal: true },
    front: { name: "base_front", driver_opts: { icc: "false" } },
  },
});

type Service = {
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: readonly { readonly type: string; readonly source: string }[];
  readonly ports: readonly { readonly published: string; readonly host_ip: string }[];
};
type Model = {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, unknown>>;
};

const place = placeOf({ dataDir: "/run", nodeCount: 4, basePort: 20_000, sockets: "/run/s" });
const rpcUrls = [0, 1, 2, 3].map((position) => `http://172.17.0.1:9/${position}`);
const options = {
  place,
  project: "p",
  user: "0:0",
  nodeEnvironment: { CHECKPOINT_MS: "500" },
  clockPreload: "/project/clock.ts",
  rpcUrls,
};
/** As compose reads it. */
const modelWith = (change: Partial<typeof options> | { readonly rpcUrls: null }) =>
  JSON.parse(JSON.stringify(modelOf(base, { ...options, ...change }))) as Model;
const model = modelWith({});

function service(name: string): Service {
  const found = model.services[name];
  if (found === undefined) throw new Error(`the model has no ${name}`);
  return found;
}

test("each pair of nodes has a network to itself, on which alone it knows the other's name", () => {
  const links = Object.keys(model.networks).filter((name) => name.startsWith("link-"));
  expect(links.sort()).toEqual([
    "link-1-2",
    "link-1-3",
    "link-1-4",
    "link-2-3",
    "link-2-4",
    "link-3-4",
  ]);
  for (const link of links) {
    const on = ["node1", "node2", "node3", "node4"].filter(
      (name) => link in service(name).networks,
    );
    expect(`link-${on.map((name) => name.slice(4)).join("-")}`).toBe(link);
    for (const name of on) {
      expect(service(name).networks[link]).toEqual({ aliases: [`${name}.mesh`] });
    }
    expect(model.networks[link]).toEqual({ internal: true });
  }
  expect(Object.keys(service("node2").networks)).not.toContain("mesh");
});

test("a node has its own endpoints, agent, disk and clock", () => {
  const { environment, ports, volumes: mounts, command } = service("node4");
  expect(environment).toMatchObject({
    ENDPOINT: "http://127.0.0.1:20003",
    PEER_ENDPOINT: "node4.mesh:8181",
    DSTACK_SIMULATOR_ENDPOINT: "/cluster/sockets/node4/dstack.sock",
    RPC_URLS: "http://172.17.0.1:9/3",
    CHAOS_CLOCK: "/chaos/clocks/node4.clock",
    CHECKPOINT_MS: "500",
  });
  expect(ports).toMatchObject([{ host_ip: "127.0.0.1", published: "20003", target: 8080 }]);
  expect(mounts).toContainEqual(
    expect.objectContaining({ type: "bind", source: "/run/cluster/node4", target: "/data" }),
  );
  expect(command).toEqual(["node", "--flag", "--import", "/chaos/clock.mts", "main.js"]);
});

test("without a proxy nodes speak to the chain themselves", () => {
  const { node1 } = modelWith({ rpcUrls: null }).services;
  expect(node1).toMatchObject({ environment: { RPC_URLS: "http://chain:8545" } });
});

test("a node's second container is the same member on another disk, and starts on demand only", () => {
  const [node, clone] = [service("node2"), service("node2-clone")];
  expect(clone.environment).toEqual(node.environment);
  expect(clone.networks).toEqual(node.networks);
  expect(clone).toMatchObject({ profiles: ["clones"], restart: "no", ports: [] });
  expect(clone).not.toHaveProperty("depends_on");
  expect(node).toMatchObject({ restart: "on-failure:10" });
  const disks = ({ volumes: mounts }: Service) => mounts.map(({ source }) => source);
  expect(disks(clone)).toContain("/run/cluster/node2-clone");
  expect(disks(clone)).not.toContain("/run/cluster/node2");
});

describe("for as many nodes as there are", () => {
  test("agents are simulated, and waited for", () => {
    expect(service("simulator").command).toContain("--instances=4");
    expect(service("simulator")).toMatchObject({
      healthcheck: { test: ["CMD", "test", "-S", "/cluster/sockets/node4/dstack.sock"] },
    });
  });

  test("tokens are minted", () => {
    const agents = [1, 2, 3, 4].map(
      (number) => `node${number}=/cluster/sockets/node${number}/dstack.sock`,
    );
    expect(service("set-up").environment).toMatchObject({ AGENTS: agents.join(",") });
  });
});

test("the chain is published on the loopback alone, by a network that can be", () => {
  expect(service("chain").ports).toMatchObject([{ host_ip: "127.0.0.1", published: "20464" }]);
  expect(Object.keys(service("chain").networks)).toEqual(["back", "front"]);
});

test("everything runs as the host's user, on the host's folders, from images that are there", () => {
  for (const each of Object.values(model.services)) {
    expect(each).toMatchObject({ user: "0:0", read_only: true });
    expect(each).not.toHaveProperty("build");
    for (const { type, source } of each.volumes) {
      expect(type).toBe("bind");
      expect(source).toMatch(/^\/(?:run|project)\//);
    }
  }
});
