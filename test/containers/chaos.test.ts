/** What the nemesis of `npm run chaos -- --docker` does to containers is what comes about. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDocker } from "../../scripts/chaos/docker/subject.ts";
import { chaosEnvironment } from "../../scripts/chaos/local/environment.ts";
import type { Subject } from "../../scripts/chaos/subject.ts";
import { serves, whyNotServing } from "../../scripts/cluster/node.ts";
import { findBasePort } from "../../scripts/cluster/ports.ts";
import { stateOf } from "../../scripts/docker/containers.ts";
import { docker } from "../../scripts/docker/docker.ts";
import { openProject } from "../../scripts/docker/project.ts";

const never = new AbortController().signal;
const hourMs = 3_600_000;
/** Several times as long as nodes under test leave between two looks at the chain. */
const tooOldMs = 3_000;
const slow = { timeout: 60_000, interval: 200 };
let dataDir: string;
let subject: Subject;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dstack-chaos-"));
  const options = { dataDir, nodeCount: 3, basePort: await findBasePort(3) };
  const report = () => undefined;
  subject = await startDocker({ ...options, nodeEnvironment: chaosEnvironment, report }, never);
});

afterAll(async () => {
  await subject?.stop(false);
  await rm(dataDir, { recursive: true, force: true });
});

const serving = () => Promise.all(subject.nodes.map(({ url }) => serves(url)));
const allServe = () => expect.poll(serving, slow).toEqual([true, true, true]);

test("a node parted from the others is alone in not serving, and is asked all the while", async () => {
  const mend = await subject.network.part([1], [0, 2]);
  await expect.poll(serving, slow).toEqual([true, false, true]);
  expect((await fetch(`${subject.nodes[1]?.url}/status`)).ok).toBe(true);
  await mend();
  await allServe();
});

test("a paused node answers nobody, and goes on where it stood", async () => {
  await subject.machines.pause(0);
  await expect.poll(serving, slow).toEqual([false, true, true]);
  await subject.machines.resume(0);
  await allServe();
});

test("a killed node stays down, whatever compose would do with one that ended", async () => {
  await subject.machines.kill(2);
  await expect.poll(serving, slow).toEqual([true, true, false]);
  expect(await statusOf("node3")).toBe("exited");
  await subject.machines.start(2);
  await allServe();
});

test("a second container of a member holds a copy of its disk, and ends for good", async () => {
  const written = filesOf("node1");
  const end = await subject.machines.clone(0);
  const status = await statusOf("node1-clone");
  await end();
  expect(status).toBe("running");
  expect(filesOf("node1-clone")).toEqual(expect.arrayContaining(written));
  expect(await statusOf("node1-clone")).toBe("exited");
  await allServe();
});

test("a node without its guest agent does not come back, until the agent does", async () => {
  const bringBack = await subject.agents.hide(1);
  await subject.machines.kill(1);
  await subject.machines.start(1);
  const why = () => whyNotServing(subject.nodes[1]?.url ?? "");
  await expect.poll(why, slow).toContain("it waits for the guest agent");
  await expect.poll(serving, slow).toEqual([true, false, true]);
  await bringBack();
  await allServe();
});

test("a node's wall clock is off by what it is told", async () => {
  await subject.machines.shiftClock(0, hourMs);
  await subject.machines.kill(0);
  await subject.machines.start(0);
  await expect.poll(() => lastStartMs("node1"), slow).toBeGreaterThan(Date.now() + hourMs / 2);
  await subject.machines.shiftClock(0, 0);
  await allServe();
});

test("a node finds no room on a disk that was filled, and as much as before later", async (context) => {
  context.skip(subject.lacks.has("full-disk"), subject.lacks.get("full-disk"));
  const free = await subject.disks.fill(2);
  expect(await roomOf("node3")).toBe(0);
  await free();
  expect(await roomOf("node3")).toBeGreaterThan(0);
  await allServe();
});

test("a node whose endpoint is away knows the chain as of before, and no other does", async (context) => {
  context.skip(subject.lacks.has("rpc"), subject.lacks.get("rpc"));
  subject.chain.setRpc(0, { kind: "away" });
  await expect.poll(() => chainAgeMs(0), slow).toBeGreaterThan(tooOldMs);
  expect(await chainAgeMs(1)).toBeLessThan(tooOldMs);
  subject.chain.setRpc(0, { kind: "true" });
  await expect.poll(() => chainAgeMs(0), slow).toBeLessThan(tooOldMs);
});

test("the chain's container ends and goes on from its state", async () => {
  const { terms } = await subject.evidence();
  await subject.chain.stop();
  expect(await statusOf("chain")).toBe("exited");
  await subject.chain.start();
  expect((await subject.evidence()).terms.slice(0, terms.length)).toEqual(terms);
});

/** Those that hold data. */
function filesOf(disk: string): string[] {
  const files = readdirSync(join(dataDir, "cluster", disk));
  return files.filter((file) => !file.startsWith("lock"));
}

async function containerOf(service: string): Promise<string> {
  const file = readFileSync(join(dataDir, "cluster", "compose.json"), "utf8");
  const { name } = JSON.parse(file) as { readonly name: string };
  return openProject({ name }).containerOf(service);
}

async function statusOf(service: string): Promise<string> {
  return (await stateOf(await containerOf(service))).status;
}

/** When a node's last boot began, by its own clock. */
async function lastStartMs(service: string): Promise<number> {
  const log = await docker(["logs", await containerOf(service)]);
  const starts = log.split("\n").filter((line) => line.includes('"msg":"starting"'));
  const { time } = JSON.parse(starts.at(-1) ?? "{}") as { readonly time: string };
  return Date.parse(time);
}

/** For how long the node at that position has not read the chain. */
async function chainAgeMs(position: number): Promise<number> {
  const answer = await fetch(`${subject.nodes[position]?.url}/status`);
  const { chain } = (await answer.json()) as { readonly chain: { readonly ageMs: number } };
  return chain.ageMs;
}

/** Bytes, as the program in the container sees them. */
async function roomOf(service: string): Promise<number> {
  const program = "const { bavail, bsize } = fs.statfsSync('/data'); bavail * bsize";
  return Number(await docker(["exec", await containerOf(service), "node", "--print", program]));
}
