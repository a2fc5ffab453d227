import { expect, test } from "vitest";
import { parseDescribed } from "../../../scripts/docker/descriptions.ts";

test("a container is described by what it was made from, beside its state", () => {
  const inspected = {
    Name: "/p-node1-1",
    State: { Status: "running", ExitCode: 0 },
    Config: {
      Image: "cluster:local",
      User: "1000:1000",
      Cmd: ["node", "main.js"],
      Labels: { "com.docker.compose.service": "node1" },
      Env: ["HTTP_PORT=8080", "NODE_OPTIONS=--a=b"],
    },
    Mounts: [
      { Type: "volume", Name: "p_node1", Destination: "/data", RW: true },
      { Type: "volume", Name: "p_contract", Destination: "/contract", RW: false },
      { Type: "bind", Source: "/host", Destination: "/host", RW: true },
    ],
    NetworkSettings: { Networks: { p_mesh: { IPAddress: "172.16.0.2" } } },
  };
  const [described] = parseDescribed(JSON.stringify([inspected]));
  expect(described).toMatchObject({
    name: "p-node1-1",
    status: "running",
    image: "cluster:local",
    user: "1000:1000",
    command: ["node", "main.js"],
    labels: { "com.docker.compose.service": "node1" },
  });
  expect(described?.environment.get("NODE_OPTIONS")).toBe("--a=b");
  expect(described?.volumes).toEqual(
    new Map([
      ["/data", { name: "p_node1", writable: true }],
      ["/contract", { name: "p_contract", writable: false }],
    ]),
  );
});

test("a container without a command or an environment of its own has none", () => {
  const inspected = {
    Name: "/p-chain-1",
    State: { Status: "exited", ExitCode: 1 },
    Config: { Image: "chain", User: "", Cmd: null, Labels: {}, Env: null },
    Mounts: [],
    NetworkSettings: { Networks: {} },
  };
  expect(parseDescribed(JSON.stringify([inspected]))).toMatchObject([
    { status: "exited", command: [] },
  ]);
});
