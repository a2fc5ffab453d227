/** Members that come and go. */
import assert from "node:assert/strict";
import { memberOf } from "../../../node/src/consensus/roster.ts";
import { remove } from "../contract/terms.ts";
import { fastDigest } from "../digest.ts";
import { blankDisk } from "../disk.ts";
import { endAll, endProcess } from "../machines.ts";
import { memberAt } from "../names.ts";
import { depart, join } from "../operators.ts";
import type { SetStage, Stage } from "../stage.ts";
import { Violation } from "../violation.ts";
import { rejoinsOf } from "./stale.ts";

const [a, b, c, d, e] = [0, 1, 2, 3, 4];

/**
 * "(2) n=5→4→3 with a clone of B: A leads; clone B2 rejoins by {A,D,E}; E removed; B2 leads, removes
 * D; the old boot B1 with laggard C must not form a quorum of {A,B,C}."
 */
export function shrinkingUnderClone(set: SetStage): void {
  const stage = set(5);
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([c], [a, b, d, e]);
  const older = stage.process(b);
  older.pause();
  const rejoined = stage.clone(b);
  stage.until("B2 is normal", () => rejoined.replica().status === "normal");
  letGo(stage, e);
  stage.elect(b);
  stage.untilActive(rejoined);
  letGo(stage, d);
  assert.equal(stage.increment(a, 10), 11);

  stage.part([a], [b, c]);
  const disk = stage.crash(b);
  mend();
  older.resume();
  stage.elect(c);
  stage.run(50);
  assert.notEqual(stage.process(c).replica().office?.stage, "active");

  endProcess(stage.world, older);
  stage.start(b, disk);
  stage.world.network.heal();
  stage.untilWell();
  stage.expectValue(11, [a, b, c]);
}

/** It asks to go, the leader removes it, and its machine ends once nothing depends on it. */
export function letGo(stage: Stage, site: number): void {
  const { world } = stage;
  const host = world.hosts[site] ?? assert.fail(`there is no site ${site}`);
  depart(world, host, { staysUp: false, by: "operator" });
  const isMember = () => memberOf(world.chain.head().roster, host.member) !== undefined;
  stage.until("it is removed", () => !isMember());
  const { leader, term } = world.chain.head();
  const leading = world.hosts.find(({ member }) => member === leader)?.processes.at(-1);
  stage.until("its removal is committed", () => {
    const office = leading?.replica().office;
    return office?.term === term && office.stage === "active";
  });
  endAll(world, host);
  host.purpose = "absent";
}

/**
 * "(3) n=4: A removes B, the block is reorganised away, A removes C instead." {A,C} are a quorum of
 * the one roster, {B,D} of the other.
 */
export function reorganisedRemoval(set: SetStage): void {
  const stage = set(4, { blockMs: 500 });
  const { chain, hosts, oracle } = stage.world;
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([a, c], [b, d]);
  const { term } = chain.head();
  const removal = (site: number) => {
    const change = { sender: memberAt(a), term, slot: slotOf(stage, site) };
    stage.mine({ name: "removal", call: remove(change, fastDigest) });
  };
  removal(b);
  stage.until("C promises", () => stage.process(c).replica().promised?.term === term + 1);
  const endpoints = [a, c].flatMap((site) => chain.endpoints[site] ?? []);
  for (const endpoint of endpoints) endpoint.away = true;
  const committed = oracle.committedTo();
  stage.increment(a, 100);

  chain.reorganise(64, 1);
  assert.equal(chain.head().term, term);
  removal(c);
  stage.elect(d);
  stage.increment(d, 10);
  assert.equal(oracle.committedTo(), committed);

  const host = hosts[c] ?? assert.fail("there is no site of C");
  host.purpose = "leaving";
  for (const endpoint of endpoints) endpoint.away = false;
  mend();
  stage.untilWell();
  // What was asked of A and D without an answer may have come about, or not.
  const value = stage.read(a) ?? assert.fail("A does not answer");
  assert.ok([1, 11, 101, 111].includes(value));
  stage.expectValue(value, [b, d]);
}

function slotOf({ world }: Stage, site: number): number {
  const member = memberOf(world.chain.head().roster, memberAt(site));
  return member?.slot ?? assert.fail(`no member has site ${site}`);
}

/** What D's admission needs, {A,D} cannot give: a quorum of the roster before it, and of its own. */
export function admissionUnderPartition(set: SetStage): void {
  const stage = set(3, { siteCount: 4 });
  const { chain, hosts, network } = stage.world;
  assert.equal(stage.increment(a, 1), 1);
  join(stage.world, hosts[d] ?? assert.fail("there is no site of D"), "kept");
  const isAdmitted = () => memberOf(chain.head().roster, memberAt(d)) !== undefined;
  stage.until("D is admitted", isAdmitted);
  stage.part([a, d], [b, c]);
  stage.run(30);
  assert.notEqual(stage.process(a).replica().office?.stage, "active");
  stage.elect(b);
  stage.run(30);
  assert.notEqual(stage.process(b).replica().office?.stage, "active");
  network.heal();
  stage.untilWell();
  stage.expectValue(1, [a, b, c, d]);
  assert.equal(stage.increment(d, 1), 2);
}

/** A leader cannot remove itself: it hands over, and its successor does. */
export function departureOfLeader(set: SetStage): void {
  const stage = set(3);
  assert.equal(stage.increment(a, 1), 1);
  letGo(stage, a);
  assert.notEqual(stage.world.chain.head().leader, memberAt(a));
  stage.untilWell();
  stage.expectValue(1, [b, c]);
  assert.equal(stage.increment(b, 1), 2);
}

/** A pending node that forgot everything becomes a member under the boot that registered last. */
export function pendingNodeRestarts(set: SetStage): void {
  const stage = set(3, { siteCount: 4 });
  const { world } = stage;
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([d], [a, b, c]);
  join(world, world.hosts[d] ?? assert.fail("there is no site of D"), "kept");
  stage.until("D waits", () => world.chain.head().pending.length === 1);
  stage.crash(d);
  const restarted = stage.start(d, blankDisk());
  stage.until(
    "its new boot is registered",
    () => world.chain.head().pending[0]?.bootKey === restarted.boot.bootKey,
  );
  mend();
  stage.untilWell();
  const listed = memberOf(world.chain.head().roster, memberAt(d));
  assert.equal(listed?.bootKey, restarted.boot.bootKey);
  assert.equal(rejoinsOf(stage.process(a), restarted), 0);
  stage.expectValue(1, [d]);
}

/** The boot that was admitted is dead by then: the next one has to rejoin. */
export function admittedBootIsDead(set: SetStage): void {
  const stage = set(3, { siteCount: 4 });
  const { world } = stage;
  assert.equal(stage.increment(a, 1), 1);
  join(world, world.hosts[d] ?? assert.fail("there is no site of D"), "kept");
  const isAdmitted = () => memberOf(world.chain.head().roster, memberAt(d)) !== undefined;
  stage.until("D is admitted", isAdmitted);
  stage.crash(d);
  const restarted = stage.start(d, blankDisk());
  stage.untilWell();
  assert.equal(rejoinsOf(stage.process(a), restarted), 1);
  stage.expectValue(1, [a, d]);
}

/** It takes long to catch up over such a network: until it has, the others go on without it. */
export function joinFarBehind(set: SetStage): void {
  const network = { delayMs: 100, jitterMs: 1, loss: 0, duplication: 0, ordered: true };
  const stage = set(1, { siteCount: 2, batchBytesMax: 1, batchesInFlightMax: 1, network });
  const { world } = stage;
  for (let value = 1; value <= 60; value += 1) assert.equal(stage.increment(a, 1), value);
  join(world, world.hosts[b] ?? assert.fail("there is no site of B"), "kept");
  for (let value = 61; value <= 70; value += 1) {
    if (stage.increment(a, 1) === value) continue;
    throw new Violation("the cluster serves again", `no answer to +1 at ${value - 1}`);
  }
  stage.untilWell();
  stage.expectValue(70, [b]);
}
