/** The protocol's main scenarios, as the members live them: kept in files, for people to read. */
import { expect, test } from "vitest";
import { leave } from "../../simulation/contract/roster.ts";
import { join } from "../../simulation/operators.ts";
import { type Stage, setStage } from "../../simulation/stage.ts";

const [a, b, c, d] = [0, 1, 2, 3];
const quiet = { network: { delayMs: 1, jitterMs: 0, loss: 0, duplication: 0, ordered: true } };

/** What happened since `from`, without times and channels. */
function transcript(stage: Stage, from: number): string {
  const lines = stage.world.trace.lines().slice(from);
  const said = lines.map((line) => line.slice(10)).filter((line) => !line.includes("connected to"));
  return `${said.join("\n")}\n`;
}

/** Where the transcript begins, once what went before has come to rest. */
function linesSoFar(stage: Stage): number {
  stage.run(3);
  return stage.world.trace.lines().length;
}

test("a normal write", async () => {
  const stage = setStage(3, quiet, true);
  const from = linesSoFar(stage);
  expect(stage.increment(a, 1)).toBe(1);
  stage.run(3);
  await expect(transcript(stage, from)).toMatchFileSnapshot("./normal-write.txt");
});

test("the leader fails and another takes over", async () => {
  const stage = setStage(3, quiet, true);
  const from = linesSoFar(stage);
  stage.crash(a);
  const leading = () => stage.process(b).replica().office;
  stage.until("B is active", () => leading()?.stage === "active");
  stage.run(3);
  await expect(transcript(stage, from)).toMatchFileSnapshot("./failover.txt");
});

test("a restarted member rejoins", async () => {
  const stage = setStage(3, quiet, true);
  const disk = stage.crash(c);
  const from = linesSoFar(stage);
  stage.start(c, disk);
  stage.untilWell();
  await expect(transcript(stage, from)).toMatchFileSnapshot("./rejoin.txt");
});

test("all members restart: a cold start", async () => {
  const stage = setStage(3, quiet, true);
  expect(stage.increment(a, 1)).toBe(1);
  const disks = [a, b, c].map((slot) => stage.crash(slot));
  const from = linesSoFar(stage);
  disks.forEach((disk, slot) => void stage.start(slot, disk));
  stage.untilWell();
  await expect(transcript(stage, from)).toMatchFileSnapshot("./cold-start.txt");
});

test("a node registers, catches up, and is admitted", async () => {
  const stage = setStage(3, { ...quiet, siteCount: 4 }, true);
  expect(stage.increment(a, 1)).toBe(1);
  const from = linesSoFar(stage);
  const host = stage.world.hosts[d];
  if (host !== undefined) join(stage.world, host, "kept");
  const joining = () => host?.processes.at(-1)?.replica();
  stage.until("D is a member", () => joining()?.status === "normal");
  stage.untilWell();
  await expect(transcript(stage, from)).toMatchFileSnapshot("./admit.txt");
});

test("a member asks to leave, and is removed", async () => {
  const stage = setStage(3, quiet, true);
  const from = linesSoFar(stage);
  stage.mine({ name: "leave of C", call: leave(stage.process(c).boot.member) });
  const listed = () => stage.world.chain.head().roster.members.length;
  stage.until("C is removed", () => listed() === 2);
  stage.until("A is active", () => stage.process(a).replica().office?.stage === "active");
  stage.run(5);
  await expect(transcript(stage, from)).toMatchFileSnapshot("./remove.txt");
});

test("a checkpoint is taken, and certified", async () => {
  const stage = setStage(3, { ...quiet, checkpointMs: 500 }, true);
  const certified = () => stage.process(a).replica().vouched.certificate?.checkpoint.index ?? 0;
  stage.until("the term-start is certified", () => certified() > 0);
  const from = linesSoFar(stage);
  expect(stage.increment(b, 1)).toBe(1);
  const known = certified();
  stage.until("the increment is certified", () => certified() > known);
  stage.run(5);
  await expect(transcript(stage, from)).toMatchFileSnapshot("./checkpoint.txt");
});
