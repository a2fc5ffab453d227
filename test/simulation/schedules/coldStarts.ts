/** Clusters that lost most of what they knew. */
import assert from "node:assert/strict";
import { remove } from "../contract/terms.ts";
import { fastDigest } from "../digest.ts";
import { blankDisk, copyOf } from "../disk.ts";
import { memberAt } from "../names.ts";
import type { SetStage } from "../stage.ts";

const [a, b, c] = [0, 1, 2];

/** B's removal is not committed, and B alone still holds what A and B committed before. */
export function coldStartDuringRemoval(set: SetStage): void {
  const stage = set(3);
  const { world } = stage;
  const { chain, hosts } = world;
  assert.equal(stage.increment(a, 1), 1);
  const mend = stage.part([c], [a, b]);
  assert.equal(stage.increment(a, 10), 11);
  const slot = chain.head().roster.members[1]?.slot ?? assert.fail("there is no second member");
  const change = { sender: memberAt(a), term: chain.head().term, slot };
  stage.mine({ name: "removal", call: remove(change, fastDigest) });
  const host = hosts[b] ?? assert.fail("there is no site of B");
  host.purpose = "leaving";
  stage.elect(c);

  const [, diskOfB, diskOfC] = [a, b, c].map((site) => stage.crash(site));
  mend();
  stage.start(a, blankDisk());
  stage.start(c, diskOfC ?? assert.fail("there is no disk of C"));
  stage.run(100);
  assert.notEqual(stage.process(c).replica().office?.stage, "active");

  stage.start(b, diskOfB ?? assert.fail("there is no disk of B"));
  stage.untilWell();
  stage.expectValue(11, [a, c]);
}

/** `COLD_START=majority`: C is gone for good, A and B go on without it. */
export function majorityColdStart(set: SetStage): void {
  const stage = set(3, { coldStart: "majority" });
  const { chain, hosts } = stage.world;
  assert.equal(stage.increment(a, 7), 7);
  const host = hosts[c] ?? assert.fail("there is no site of C");
  stage.crash(c);
  host.purpose = "gone";
  const disks = [a, b].map((site) => stage.crash(site));
  disks.forEach((disk, site) => void stage.start(site, disk));
  stage.untilWell();
  assert.ok(chain.head().coldTerm > 0);
  stage.expectValue(7, [a, b]);
  assert.equal(stage.increment(b, 1), 8);
}

/** All disks are rolled back behind the anchor: beyond the fault model, but not unnoticed. */
export function rollbackBehindAnchor(set: SetStage): void {
  const stage = set(3, { checkpointEvery: 4, checkpointMs: 500, anchorEveryMs: 500 });
  const { world } = stage;
  assert.equal(stage.increment(a, 1), 1);
  const old = [a, b, c].map((site) => copyOf(stage.process(site).disk));
  const rolledBackTo = Math.max(...old.map(({ entries }) => entries.length));
  for (let value = 2; value <= 8; value += 1) assert.equal(stage.increment(a, 1), value);
  stage.until("an anchor", () => (world.chain.head().anchor?.index ?? 0) > rolledBackTo);

  const kept = [a, b, c].map((site) => stage.crash(site));
  old.forEach((disk, site) => void stage.start(site, disk));
  const rollback = () => stage.process(a).replica().office?.rollback;
  stage.until("the rollback is detected", () => rollback() != null);
  stage.run(100);
  assert.equal(rollback()?.anchorIndex, world.chain.head().anchor?.index);
  for (const site of [a, b, c]) {
    assert.notEqual(stage.process(site).replica().office?.stage, "active");
  }

  stage.crash(b);
  stage.start(b, kept[b] ?? assert.fail("there is no disk of B"));
  stage.untilWell();
  stage.expectValue(8, [a, b, c]);
}
