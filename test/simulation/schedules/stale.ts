/** Leaders, boots and disks that belong to the past. */
import assert from "node:assert/strict";
import { entryAt } from "../../../node/src/consensus/log.ts";
import { copyOf } from "../disk.ts";
import { endProcess } from "../machines.ts";
import type { Process } from "../process.ts";
import type { SetStage } from "../stage.ts";

const [a, b, c] = [0, 1, 2];

/**
 * "(1) n=3: A leads t1, cut off; B leads t2, B and C commit x; B and C restart with their disks; A,
 * ignorant, sends them t1's entries; cold start: x must survive."
 */
export function staleLeader(set: SetStage): void {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([a], [b, c]);
  const endpoint = stage.world.chain.endpoints[a];
  if (endpoint) endpoint.away = true;
  assert.equal(stage.increment(a, 1_000), undefined);
  stage.elect(b);
  stage.untilActive(stage.process(b));
  assert.equal(stage.increment(b, 10), 11);

  const disks = [b, c].map((site) => [site, stage.crash(site)] as const);
  mend();
  for (const [site, disk] of disks) stage.start(site, disk);
  stage.run(50);
  assert.equal(stage.process(a).replica().office?.term, 1);
  if (endpoint) endpoint.away = false;
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
}

/** "(4) n=3: two clones of B, the first asks to rejoin again after the second." */
export function replacedBootAsksAgain(set: SetStage): void {
  const stage = set(3);
  const first = stage.process(b);
  const second = stage.clone(b);
  stage.until("the second boot is normal", () => second.replica().status === "normal");
  const third = stage.clone(b);
  stage.until("the third boot is normal", () => third.replica().status === "normal");

  const leader = stage.process(a);
  const { term } = stage.world.chain.head();
  const again = { kind: "rejoin-request", term } as const;
  leader.input({ kind: "received", from: second.boot, message: again });
  leader.input({ kind: "received", from: first.boot, message: again });
  stage.run(20);
  assert.equal(rejoinsOf(leader, second), 1);
  assert.equal(rejoinsOf(leader, first), 0);
  assert.equal(leader.replica().seats.valid.get(third.boot.member), third.boot.bootKey);
  for (const stale of [first, second]) endProcess(stage.world, stale);
  stage.untilWell();
  assert.equal(stage.increment(b, 1), 1);
}

/** How often the log of one process names the boot of another by a rejoin. */
export function rejoinsOf(process: Process, { boot }: Process): number {
  const { log } = process.replica();
  let count = 0;
  for (let index = log.before.index + 1; index <= log.last.index; index += 1) {
    const body = entryAt(log, index)?.body;
    if (body?.kind === "rejoin" && body.bootKey === boot.bootKey) count += 1;
  }
  return count;
}

/**
 * "(5) a cold start whose term-start only a quorum holds, then a leader that lacks it and an older
 * clone."
 */
export function coldStartOnQuorum(set: SetStage): void {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  const older = stage.process(b);
  older.pause();
  const clone = stage.clone(b);
  const restarted = stage.start(a, stage.crash(a));
  const laggard = stage.process(c);

  const { chain, network } = stage.world;
  const isCold = () => chain.head().coldTerm === chain.head().term;
  stage.until("a cold start of A2, B2 and C1", isCold);
  const { term } = chain.head();
  stage.until("C1 promises it", () => laggard.replica().promised?.term === term);
  network.cut(a, c);
  stage.until("A2 and B2 hold the cold term-start", () =>
    [restarted, clone].every(({ replica }) => replica().log.last.term === term),
  );
  stage.run(30);
  assert.notEqual(restarted.replica().office?.stage, "active");
  for (const { replica } of [restarted, clone]) assert.notEqual(replica().status, "normal");

  endProcess(stage.world, clone);
  network.cut(c, a);
  older.resume();
  stage.elect(c);
  stage.untilActive(laggard);
  assert.equal(stage.increment(c, 10), 11);
  network.heal();
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
}

/**
 * Old copies of A and of B run one after the other, never at once, and offer themselves to a cold
 * start that names other boots: what A and B committed must not be forgotten for their words.
 */
export function unnamedBootsInColdStart(set: SetStage): void {
  const stage = set(3);
  const { chain } = stage.world;
  const old = [a, b].map((site) => copyOf(stage.process(site).disk));
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 5), 5);
  const disks = [a, b, c].map((site) => stage.crash(site));
  mend();
  stage.elect(c);
  const restarted = disks.map((disk, site) => stage.start(site, disk));
  stage.until("a cold start", () => chain.head().coldTerm > 0);
  for (const one of restarted.slice(0, 2)) one.pause();

  const offer = (site: number) => {
    const stray = stage.start(site, copyOf(old[site] ?? assert.fail("there is no old copy")));
    stage.run(40);
    endProcess(stage.world, stray);
  };
  for (const site of [b, a, b]) offer(site);
  assert.notEqual(restarted[c]?.replica().office?.stage, "active");
  for (const one of restarted.slice(0, 2)) one.resume();
  stage.untilWell();
  stage.expectValue(5, [a, b, c]);
}
