import { expect, test } from "vitest";
import type { Description } from "../../../../scripts/docker/descriptions.ts";
import { labels, meshName, nodeIn, partsAmong } from "../../../../scripts/fault/compose/parts.ts";

function container(service: string, change: Partial<Description> = {}): Description {
  return {
    name: `p-${service}-1`,
    status: "running",
    exitCode: 0,
    addresses: new Map(),
    image: "cluster:local",
    user: "1000:1000",
    command: [],
    labels: { [labels.service]: service, [labels.number]: "1" },
    environment: new Map([["PEER_ENDPOINT", `${service}.mesh:8181`]]),
    volumes: new Map(),
    ...change,
  };
}

const clone = container("node2", {
  name: "p-node2-clone",
  labels: { [labels.service]: "node2", [labels.number]: "2", [labels.clone]: "yes" },
});
const foundation = [container("chain"), container("simulator"), container("set-up")];
const whole = [...foundation, container("node10"), container("node2"), container("node1"), clone];

test("nodes are known by their services, clones by being beside them", () => {
  const parts = partsAmong(whole, "p");
  expect(parts.nodes.map(({ number }) => number)).toEqual([1, 2, 10]);
  expect(parts.clones.map(({ name, number }) => [name, number])).toEqual([["p-node2-clone", 2]]);
  expect(parts.chain.name).toBe("p-chain-1");
  expect(meshName(nodeIn(parts, 2))).toBe("node2.mesh");
});

test("a project that is no cluster says what it lacks", () => {
  expect(() => partsAmong([], "p")).toThrow("the compose project p has no container of chain");
  expect(() => partsAmong([container("chain")], "p")).toThrow("no container of simulator");
});

test("a node that is not there is named, with those that are", () => {
  expect(() => nodeIn(partsAmong(whole, "p"), 3)).toThrow(
    "node3 is unknown; expected one of node1, node2, node10",
  );
});
