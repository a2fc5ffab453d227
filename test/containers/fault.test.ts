/** `npm run fault` as a person runs it, against a cluster of containers. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { leaderIn, rowsOf, type Struck } from "../scripts/fault/struck.ts";
import { increment, runScript } from "../scripts/start/command.ts";
import { openProject, type Project } from "./project.ts";

let project: Project;

beforeAll(async () => {
  project = await openProject();
  await project.compose("up", "--build", "--wait");
});

afterAll(async () => {
  await project.remove();
});

async function fault(...words: readonly string[]): Promise<Struck> {
  const { code, output } = await runScript("fault", ["--compose", project.name, ...words]);
  expect(output).toMatch(/settled [\d.]+ s after\n$/);
  expect(code).toBe(0);
  return { after: rowsOf(output), output };
}

async function refused(...words: readonly string[]): Promise<string> {
  const { code, output } = await runScript("fault", ["--compose", project.name, ...words]);
  expect(code).toBe(1);
  return output;
}

let value = 0;

/** At whoever leads, by what was seen: each is one more than the last. */
async function count(struck: Pick<Struck, "after">): Promise<void> {
  const counted = await increment(project.urls[leaderIn(struck) - 1] ?? "");
  expect(counted).toBe(value + 1);
  value = counted;
}

const isWell = ({ after }: Struck) => after.every((row) => row.endsWith("serves"));

test("a leader whose container is killed is replaced, and heal starts it again", async () => {
  const killed = await fault("kill", "leader");
  expect(killed.after.filter((row) => row.startsWith("after down"))).toHaveLength(1);
  await count(killed);
  expect(isWell(await fault("heal"))).toBe(true);
});

test("a leader that is cut off can still be asked, and does not serve", async () => {
  const before = leaderIn(await fault("agent", "stop"));
  const cut = await fault("partition", "leader");
  expect(cut.after[before - 1]).toMatch(/^after runs .* \(no guest agent, cut off\)$/);
  expect(cut.after[before - 1]).not.toContain("serves");
  const others = cut.after.map((row, at) => (at === before - 1 ? "" : row));
  await count({ after: others });
  const healed = await fault("heal");
  expect(isWell(healed)).toBe(true);
  expect(leaderIn(healed)).not.toBe(before);
});

test("without the chain nobody is elected, until it is back", async () => {
  const stopped = await fault("chain", "stop");
  expect(stopped.output).toMatch(/after +does not answer/);
  await count(stopped);
  const headless = await fault("kill", "leader");
  expect(headless.output).toContain("the chain is away, and elections are votes on it");
  await count(await fault("chain", "start"));
  expect(isWell(await fault("heal"))).toBe(true);
});

test("disks, clones, hand-overs and blocks are in a person's hands as well", async () => {
  expect(await refused("rollback", "1")).toContain("`npm run fault -- save 1` makes one");
  await fault("save", "1");
  const cloned = await fault("clone", "3");
  expect(cloned.after[2]).toContain("a clone beside it");
  expect(await refused("clone", "3")).toContain("node3-clone runs already; heal ends it");
  expect(isWell(await fault("heal"))).toBe(true);
  await fault("rollback", "1");
  const old = leaderIn(await fault("wipe", "2"));
  const successor = (old % 3) + 1;
  const handed = await fault("handover", String(successor));
  expect(leaderIn(handed)).toBe(successor);
  await count(handed);
  expect((await fault("chain", "reorg", "1")).output).toContain("1 of 1 blocks taken back");
});

test("what docker cannot do is refused with the reason", async () => {
  expect(await refused("clock", "1", "+1h")).toContain("the clock of their machine");
  expect(await refused("slow", "1", "200")).toContain("docker can cut a network, and not slow it");
  expect(await refused("partition", "1", "--one-way")).toContain("in both directions");
  expect(await refused("lies", "1")).toContain("`npm start -- --faults`");
});

test("a project that is no cluster is not touched", async () => {
  const { code, output } = await runScript("fault", ["--compose", "nowhere", "kill", "all"]);
  expect(output).toContain("the compose project nowhere has no container of chain");
  expect(code).toBe(1);
});
