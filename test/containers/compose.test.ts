import { afterAll, beforeAll, expect, test } from "vitest";
import { docker, openProject, type Project } from "./project.ts";

const services = ["node1", "node2", "node3"] as const;
let project: Project;
let value = 0;

beforeAll(async () => {
  project = await openProject();
  await project.compose("up", "--build", "--wait");
});

afterAll(async () => {
  await project.remove();
});

test("a cluster of containers counts at every node", async () => {
  for (const url of project.urls) await increment(url);
});

test("it goes on without the leader's container, and heals by `up`", async () => {
  const leader = await leaderOf(project.urls[0] ?? "");
  await docker(["kill", await project.containerOf(services[leader] ?? "")]);

  const survivors = project.urls.filter((_, position) => position !== leader);
  for (const url of survivors) await increment(url);
  expect(survivors).toContain(project.urls[await leaderOf(survivors[0] ?? "")]);

  await project.compose("up", "--wait");
  for (const url of project.urls) await increment(url);
});

test("it resumes its counter after its containers were removed", async () => {
  await project.compose("down");
  await project.compose("up", "--wait");
  for (const url of project.urls) await increment(url);
  expect(await project.compose("logs", "set-up")).toContain("found on chain");
});

test("its own containers are not root, cannot write to their image, and hold no tools", async () => {
  const confined = async (service: string, command: string) =>
    (await project.compose("exec", "-T", service, "sh", "-c", command)).trim();
  for (const service of [...services, "simulator", "chain"]) {
    expect(await confined(service, "id -u")).toBe("1000");
    expect(await confined(service, "touch /x 2>/dev/null || echo refused")).toBe("refused");
  }
  expect(await confined("node1", "ls node_modules")).not.toMatch(/^(node|vitest|autocannon)$/m);
});

test("it publishes nothing beyond the loopback", async () => {
  for (const service of ["chain", "simulator", ...services]) {
    const container = await project.containerOf(service);
    const published = await docker([
      "inspect",
      "--format",
      "{{json .NetworkSettings.Ports}}",
      container,
    ]);
    for (const binding of hostBindings(published)) expect(binding.HostIp).toBe("127.0.0.1");
  }
});

test("a node ends by itself on SIGTERM", async () => {
  const container = await project.containerOf("node3");
  await docker(["stop", "--time", "20", container]);
  expect((await docker(["inspect", "--format", "{{.State.ExitCode}}", container])).trim()).toBe(
    "0",
  );
});

/** Each must be one more than the last, wherever it was sent: none is lost, none counts twice. */
async function increment(url: string): Promise<void> {
  const key = `count-${value + 1}`;
  await expect
    .poll(() => incrementOnce(url, key), { timeout: 30_000, interval: 200 })
    .toBe(value + 1);
  value += 1;
}

async function incrementOnce(url: string, key: string): Promise<unknown> {
  const headers = { "idempotency-key": key };
  const answer = await fetch(`${url}/increment`, { method: "POST", headers }).catch(() => null);
  if (answer === null) return null;
  const body = (await answer.json()) as { value?: number };
  return body.value;
}

/** Position of the leader. */
async function leaderOf(url: string): Promise<number> {
  const answer = await fetch(`${url}/status`);
  const status = (await answer.json()) as { leader: { endpoint: string } | null };
  return project.urls.indexOf(status.leader?.endpoint ?? "");
}

type Binding = { readonly HostIp: string };

function hostBindings(ports: string): readonly Binding[] {
  const parsed = JSON.parse(ports) as Record<string, readonly Binding[] | null>;
  return Object.values(parsed).flatMap((bindings) => bindings ?? []);
}
