/** The protocol's main scenarios, as the members live them: kept in files, for people to read. */
import { expect, test } from "vitest";
import { type Stage, setStage } from "../../simulation/stage.ts";

const [a, b, c] = [0, 1, 2];
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
