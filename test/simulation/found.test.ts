/** What random seeds found in the core, each once more by hand: seeds change, schedules stay. */
import { expect, test } from "vitest";
import type { MemberId } from "../../node/src/consensus/ids.ts";
import { positionAt } from "../../node/src/consensus/log.ts";
import { coldStart } from "./contract/terms.ts";
import { fastDigest } from "./digest.ts";
import { blankDisk } from "./disk.ts";
import { endProcess } from "./machines.ts";
import { setStage } from "./stage.ts";

const [a, b, c] = [0, 1, 2];

// A leader used to cut its log for promises that turned out to be a stale clone's.
test("a restarted leader keeps its suffix until the promises prove valid", () => {
  const stage = setStage(3);
  const stale = stage.process(b);
  stale.pause();
  const rejoined = stage.clone(b);
  stage.until("B2 is normal", () => rejoined.replica().status === "normal");
  const mend = stage.part([c], [a, b]);
  expect(stage.increment(a, 5)).toBe(5);

  const disk = stage.crash(a);
  endProcess(stage.world, rejoined);
  mend();
  const restarted = stage.start(a, disk);
  const held = restarted.replica().log.last;
  stale.resume();
  stage.elect(b);
  stage.elect(a);
  const { term } = stage.world.chain.head();
  stage.until("A2 has the promises of B1 and C1", () => {
    const { office } = restarted.replica();
    return office?.term === term && office.promises.size === 2;
  });
  stage.run(5);
  expect(positionAt(restarted.replica().log, held.index)).toEqual(held);

  endProcess(stage.world, stale);
  stage.start(b, blankDisk());
  stage.untilWell();
  expect(stage.read(c)).toBe(5);
});

// A leader that did not know a rejoin to be committed refused to count the boot that did.
test("a new leader counts a member that knows more than it does itself", () => {
  const stage = setStage(3);
  const restarted = stage.start(c, stage.crash(c));
  const holdsRejoin = () => stage.process(b).replica().seats.named.has(restarted.boot.bootKey);
  stage.until("B holds the rejoin of C", holdsRejoin);
  stage.world.network.cut(a, b);
  stage.until("C is normal", () => restarted.replica().status === "normal");
  stage.crash(a);
  stage.elect(b);
  const { term } = stage.world.chain.head();
  const leading = () => stage.process(b).replica().office;
  stage.until("B is active", () => leading()?.stage === "active", 100);
  expect(leading()?.term).toBe(term);
});

// A cold start waited for a boot that had died, because a quorum was still in touch.
test("a cold start begins again when one of its boots ends", () => {
  const stage = setStage(3);
  expect(stage.increment(a, 1)).toBe(1);
  const disks = [a, b, c].map((slot) => stage.crash(slot));
  disks.forEach((disk, slot) => void stage.start(slot, disk));
  const { chain, network } = stage.world;
  stage.until("a cold start", () => chain.head().coldTerm > 0);
  const { term } = chain.head();
  const named = stage.process(c);
  stage.until("C promises", () => named.replica().promised?.term === term);
  const mend = network.cut(a, c);
  stage.until("A starts", () => stage.process(a).replica().office?.stage === "starting");
  stage.run(2);
  const disk = stage.crash(c);
  mend();
  stage.start(c, disk);
  stage.untilWell();
  expect(stage.read(b)).toBe(1);
});

// An office for a term that only a lying endpoint had shown was never given up.
test("a leader that a lie misled serves again once the lie ends", () => {
  const stage = setStage(1);
  expect(stage.increment(a, 1)).toBe(1);
  const endpoint = stage.world.chain.endpoints[a];
  const disk = stage.crash(a);
  if (endpoint) endpoint.lie = (truth) => ({ ...truth, term: 4 as typeof truth.term });
  const misled = stage.start(a, disk);
  stage.until("it takes office", () => misled.replica().office?.term === 4);
  stage.run(5);
  if (endpoint) endpoint.lie = null;
  stage.untilWell();
  expect(stage.increment(a, 1)).toBe(2);
});

// Of two members, one whose clone asked to rejoin and died was taken for normal for ever.
test("a clone that asks to rejoin and dies does not stop a pair for good", () => {
  const stage = setStage(2);
  expect(stage.increment(a, 1)).toBe(1);
  const clone = stage.clone(b);
  const isLogged = () => stage.process(a).replica().seats.named.has(clone.boot.bootKey);
  stage.until("its rejoin is in the log", isLogged);
  endProcess(stage.world, clone);
  stage.untilWell();
  expect(stage.increment(b, 1)).toBe(2);
});

// Each newer snapshot made the transfer begin again, and each repeated ack doubled it.
test("a follower slower than the leader's snapshots catches up", () => {
  const stage = setStage(3, {
    snapshotEvery: 4,
    retainedEntries: 0,
    chunkBytesMax: 40,
    network: { delayMs: 10, jitterMs: 1, loss: 0, duplication: 0.2, ordered: false },
  });
  const mend = stage.part([c], [a, b]);
  for (let count = 1; count <= 40; count += 1) expect(stage.increment(a, 1)).toBe(count);
  mend();
  const target = () => stage.process(a).replica().commitIndex - 4;
  const before = stage.world.queue.count();
  for (let count = 41; count <= 200; count += 1) {
    expect(stage.increment(a, 1)).toBe(count);
    if (stage.process(c).replica().commitIndex >= target()) break;
  }
  expect(stage.process(c).replica().commitIndex).toBeGreaterThanOrEqual(target());
  expect(stage.world.queue.count() - before).toBeLessThan(100_000);
});

// A leader elected by a roster that the chain took back served on, and a member that lost
// its disk could not follow it.
test("a member that lost its disk after a reorganisation can follow again", () => {
  const stage = setStage(3);
  const { chain } = stage.world;
  const disks = [a, b, c].map((slot) => stage.crash(slot));
  disks.forEach((disk, slot) => void stage.start(slot, disk));
  stage.untilWell();
  const { term, roster } = chain.head();
  expect(chain.head().coldTerm).toBe(term);

  chain.reorganise(64, 1);
  const { leader: sender, term: before } = chain.head();
  const others = [2, 1, 0].flatMap((slot) => roster.members[slot]?.bootKey ?? []);
  const start = { sender: sender as MemberId, term: before, bootKeys: others };
  chain.send(a, { name: "another cold start", call: coldStart(start, fastDigest) });
  chain.mine();
  expect(chain.head().term).toBe(term);
  expect(chain.head().roster.hash).not.toBe(roster.hash);
  stage.crash(c);
  stage.start(c, blankDisk());
  stage.run(20);
  expect(stage.process(c).replica().following).toBeNull();
  stage.untilWell();
  expect(stage.increment(c, 1)).toBe(1);
});

// Neither of two normal members could fetch the log of a third, which had compacted it and was not
// normal; they handed over to each other for ever.
test("the member whose log cannot be fetched takes office itself", () => {
  const stage = setStage(5, { snapshotEvery: 2, retainedEntries: 0 });
  const [d, e] = [3, 4];
  const mend = stage.part([c, d], [a, b, e]);
  for (const value of [1, 2, 3, 4, 5, 6]) expect(stage.increment(a, 1)).toBe(value);
  const disk = stage.crash(a);
  for (const slot of [b, e]) stage.crash(slot);
  mend();
  stage.elect(d);
  stage.elect(c);
  stage.start(a, disk);
  for (const slot of [b, e]) stage.start(slot, blankDisk());
  stage.untilWell();
  expect(stage.read(d)).toBe(6);
});
