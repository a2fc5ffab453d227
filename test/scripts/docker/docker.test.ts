import { expect, test } from "vitest";
import { parseInspected } from "../../../scripts/docker/containers.ts";
import { docker, failureOf } from "../../../scripts/docker/docker.ts";
import { parseContainers } from "../../../scripts/docker/project.ts";

test("a failure names the command and says what docker said last", () => {
  const stderr = `${"pulling\n".repeat(50)}\nno such service: node7\n`;
  const failure = failureOf(["compose", "kill", "node7"], stderr, "exit code 1");
  expect(failure).toMatch(/^docker compose kill node7 failed: pulling\n/);
  expect(failure.split("\n")).toHaveLength(20);
  expect(failure.endsWith("no such service: node7")).toBe(true);
});

test("a command that failed without a word is told by its end", () => {
  expect(failureOf(["ps"], "\n", "SIGKILL")).toBe("docker ps failed: SIGKILL");
});

test("without docker, it says so", async () => {
  const nowhere = docker(["ps"], { env: { PATH: "/nonexistent" } });
  await expect(nowhere).rejects.toThrow("cannot run docker ps: docker is not installed");
});

test("each service is known by its first container", () => {
  const containers = parseContainers("node2 p-node2-1\nnode1 p-node1-2\nnode1 p-node1-1\n\n");
  expect([...containers]).toEqual([
    ["node2", "p-node2-1"],
    ["node1", "p-node1-1"],
  ]);
});

test("a container's state tells its networks, those of a stopped one as well", () => {
  const inspected = {
    Name: "/p-node1-1",
    State: { Status: "exited", ExitCode: 137, Running: false },
    NetworkSettings: { Networks: { p_mesh: { IPAddress: "", Aliases: ["node1.mesh"] } } },
  };
  expect(parseInspected(JSON.stringify([inspected]))).toEqual([
    {
      name: "p-node1-1",
      status: "exited",
      exitCode: 137,
      addresses: new Map([["p_mesh", ""]]),
    },
  ]);
});
