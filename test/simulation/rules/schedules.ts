/** Schedules for rules that neither seeds nor other schedules have need of. */
import assert from "node:assert/strict";
import { blankDisk, copyOf } from "../disk.ts";
import { endProcess } from "../machines.ts";
import type { Schedule } from "../schedules/schedules.ts";
import type { Stage } from "../stage.ts";
import { Violation } from "../violation.ts";

const [a, b, c, d, e] = [0, 1, 2, 3, 4];

/** C leads by the promises of C, D and E. B never promised, but what it holds of C's counts. */
const appendBinds: Schedule = (set) => {
  const stage = set(5);
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([b], [c]);
  stage.part([b], [d, e]);
  stage.part([a], [c, d, e]);
  endpointOf(stage, a).away = true;
  stage.elect(c);
  stage.untilActive(stage.process(c));
  assert.equal(stage.increment(a, 100), undefined);
  mend();
  const follower = stage.process(b);
  const { term } = stage.world.chain.head();
  stage.until("B holds what C committed", () => {
    const { commitIndex, following } = follower.replica();
    return following?.term === term && commitIndex >= stage.process(c).replica().commitIndex;
  });
  stage.run(20);
  showNow(stage, a);
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(1, [a, b, c, d, e]);
};

/** A does not know that B leads by now: it must not answer from what it holds. */
const staleLeaderReads: Schedule = (set) => {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  stage.part([a], [b, c]);
  endpointOf(stage, a).away = true;
  stage.elect(b);
  stage.untilActive(stage.process(b));
  assert.equal(stage.increment(b, 10), 11);
  const seen = stage.read(a);
  if (seen !== undefined && seen !== 11) {
    throw new Violation(
      "client histories are linearizable",
      `A reads ${seen} where 11 was written`,
    );
  }
  showNow(stage, a);
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
};

/**
 * What B and C committed in term 2 is on their disks alone. They restart, are shown term 1 by their
 * endpoints, and A, who still leads it, sends them its own entries.
 */
const endpointsOfThePast: Schedule = (set) => {
  const stage = set(3);
  const { chain } = stage.world;
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([a], [b, c]);
  endpointOf(stage, a).away = true;
  const { term } = chain.head();
  stage.elect(b);
  stage.untilActive(stage.process(b));
  assert.equal(stage.increment(b, 10), 11);

  chain.halt(true);
  const disks = [b, c].map((site) => [site, stage.crash(site)] as const);
  assert.equal(stage.increment(a, 1_000), undefined);
  for (const [site] of disks) showTerm(stage, site, term);
  mend();
  for (const [site, disk] of disks) stage.start(site, disk);
  stage.run(50);
  assert.equal(stage.process(a).replica().office?.term, term);
  chain.halt(false);
  for (const site of [a, b, c]) showNow(stage, site);
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
};

/**
 * What B1 and C committed in term 2 B2 does not know; its rejoin is in the log of A, who still leads
 * term 1, and not committed. A must not lead term 3 with the word of B2.
 */
const forgetfulMemberOfAnEarlierTerm: Schedule = (set) => {
  const stage = set(3);
  const { chain } = stage.world;
  assert.equal(stage.increment(a, 1), 1);
  const { term } = chain.head();
  const mend = stage.part([b], [a]);
  stage.part([c], [a]);
  endpointOf(stage, a).away = true;
  stage.elect(c);
  stage.untilActive(stage.process(c));
  assert.equal(stage.increment(c, 10), 11);

  chain.halt(true);
  stage.crash(b);
  stage.part([c], [b]);
  showTerm(stage, b, term);
  mend();
  const restarted = stage.start(b, blankDisk());
  const isLogged = () => stage.process(a).replica().seats.named.has(restarted.boot.bootKey);
  stage.until("the rejoin of B2 is in the log of A", isLogged);
  chain.halt(false);
  for (const site of [a, b]) showNow(stage, site);
  stage.elect(a);
  stage.run(50);
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
};

/** A1 has been promised its term, and does not know it yet, when its clone asks for the same. */
const cloneOfLeader: Schedule = (set) => {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  stage.elect(b);
  stage.untilActive(stage.process(b));
  stage.elect(a);
  const { term } = stage.world.chain.head();
  const first = stage.process(a);
  stage.until("A1 asks for promises", () => first.replica().office?.term === term);
  first.pause();
  const hasPromised = (site: number) => stage.process(site).replica().promised?.term === term;
  stage.until("B and C promise", () => hasPromised(b) && hasPromised(c));
  const second = stage.clone(a);
  stage.run(20);
  first.resume();
  stage.run(20);
  endProcess(stage.world, second);
  stage.run(50);
  stage.untilWell();
  stage.expectValue(1, [a, b, c]);
};

/**
 * Old copies of A and of B run one after the other, and offer what they know to a cold start that
 * names other boots, while those are paused and the chain stands still.
 */
const oldCopiesInColdStart: Schedule = (set) => {
  const stage = set(3);
  const { chain } = stage.world;
  assert.equal(stage.increment(a, 1), 1);
  const known = stage.process(a).replica().commitIndex;
  stage.until("C holds it too", () => stage.process(c).replica().log.last.index >= known);
  const old = [a, b].map((site) => copyOf(stage.process(site).disk));
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 5), 6);
  const disks = [a, b, c].map((site) => stage.crash(site));
  mend();
  stage.elect(c);
  const restarted = disks.map((disk, site) => stage.start(site, disk));
  stage.until("a cold start", () => chain.head().coldTerm > 0);
  chain.halt(true);
  const named = restarted.slice(0, 2);
  for (const one of named) one.pause();
  old.forEach((disk, site) => {
    const stray = stage.start(site, disk);
    stage.run(20);
    endProcess(stage.world, stray);
  });
  for (const one of named) one.resume();
  stage.run(20);
  chain.halt(false);
  stage.untilWell();
  stage.expectValue(6, [a, b, c]);
};

/** A2 alone holds what was committed when B1, which was replaced, and C offer it shorter logs. */
const shorterLogsOffered: Schedule = (set) => {
  const stage = set(3);
  const stale = stage.process(b);
  stale.pause();
  const rejoined = stage.clone(b);
  stage.until("B2 is normal", () => rejoined.replica().status === "normal");
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 5), 5);
  const disk = stage.crash(a);
  endProcess(stage.world, rejoined);
  mend();
  const restarted = stage.start(a, disk);
  stale.resume();
  stage.elect(b);
  stage.elect(a);
  const { term } = stage.world.chain.head();
  stage.until("A2 has the promises of B1 and C1", () => {
    const { office } = restarted.replica();
    return office?.term === term && office.promises.size === 2;
  });
  stage.run(5);
  endProcess(stage.world, stale);
  stage.start(b, blankDisk());
  stage.untilWell();
  stage.expectValue(5, [a, b, c]);
};

function endpointOf({ world }: Stage, site: number) {
  return world.chain.endpoints[site] ?? assert.fail(`there is no site ${site}`);
}

/** Its endpoint lags until it shows that term. The chain must stand still. */
function showTerm(stage: Stage, site: number, term: number): void {
  const { chain } = stage.world;
  const isAhead = () => (chain.read(site, { holdsLog: true })?.term ?? 0) > term;
  while (isAhead()) endpointOf(stage, site).lagBlocks += 1;
}

function showNow(stage: Stage, site: number): void {
  Object.assign(endpointOf(stage, site), { away: false, lagBlocks: 0 });
}

export const ruleSchedules: Readonly<Record<string, Schedule>> = {
  "a restarted leader is offered shorter logs": shorterLogsOffered,
  "a leader and its clone ask for promises in one term": cloneOfLeader,
  "a member that never promised follows, and its former leader goes on": appendBinds,
  "a leader that was replaced is asked for a read": staleLeaderReads,
  "restarted members are shown the term before": endpointsOfThePast,
  "a member that forgot a term is asked for a promise by the leader before":
    forgetfulMemberOfAnEarlierTerm,
  "old copies offer themselves while the boots that were named are paused": oldCopiesInColdStart,
};
