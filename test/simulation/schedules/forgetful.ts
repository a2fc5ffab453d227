/** Members that forgot what they said, and boots that others have replaced. */
import assert from "node:assert/strict";
import { blankDisk } from "../disk.ts";
import { endProcess } from "../machines.ts";
import type { SetStage } from "../stage.ts";

const [a, b, c] = [0, 1, 2];

/** A1 has the promises of its term, and is paused; its clone must not be promised that term too. */
export function twoBootsOfOneLeader(set: SetStage): void {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  stage.elect(b);
  stage.untilActive(stage.process(b));
  stage.elect(a);
  const { term } = stage.world.chain.head();
  const first = stage.process(a);
  stage.until("A1 asks for promises", () => first.replica().office?.term === term);
  first.pause();
  const promised = (site: number) => stage.process(site).replica().promised?.term === term;
  stage.until("B and C promise", () => promised(b) && promised(c));
  stage.run(5);
  const second = stage.clone(a);
  stage.until("A2 takes office", () => second.replica().office?.term === term);
  stage.run(3);
  assert.notEqual(second.replica().office?.stage, "active");
  endProcess(stage.world, second);
  first.resume();
  stage.untilWell();
  stage.expectValue(1, [a, b, c]);
}

/** B forgot what it and A committed: C, which never knew it, must not lead with B's word. */
export function forgetfulPromise(set: SetStage): void {
  const stage = set(3);
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 5), 5);
  stage.crash(b);
  stage.part([a], [b, c]);
  mend();
  stage.start(b, blankDisk());
  stage.elect(c);
  stage.run(50);
  assert.notEqual(stage.process(c).replica().office?.stage, "active");
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(5, [a, b, c]);
}

/** B1 was replaced, and C knows it: what A and B2 committed must not be forgotten for B1's word. */
export function replacedBootPromises(set: SetStage): void {
  const stage = set(3);
  const older = stage.process(b);
  older.pause();
  const rejoined = stage.clone(b);
  const { bootKey } = rejoined.boot;
  stage.until("B2 is normal", () => rejoined.replica().status === "normal");
  stage.until("C holds its rejoin", () => stage.process(c).replica().seats.named.has(bootKey));
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 5), 5);
  const disk = stage.crash(b);
  stage.part([a], [b, c]);
  mend();
  older.resume();
  stage.elect(c);
  stage.run(50);
  assert.notEqual(stage.process(c).replica().office?.stage, "active");
  endProcess(stage.world, older);
  stage.start(b, disk);
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(5, [a, b, c]);
}
