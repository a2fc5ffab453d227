/** What random seeds found once members changed, each once more by hand (see found.test.ts). */
import { expect, test } from "vitest";
import { noHash, term } from "../../node/src/consensus/ids.ts";
import { revoke } from "./contract/roster.ts";
import { remove } from "./contract/terms.ts";
import { fastDigest } from "./digest.ts";
import { blankDisk } from "./disk.ts";
import { memberAt } from "./names.ts";
import { join } from "./operators.ts";

import { letGo } from "./schedules/members.ts";
import { type Stage, setStage } from "./stage.ts";

const [a, b, c, d, e] = [0, 1, 2, 3, 4];

function siteAt({ world }: Stage, site: number) {
  const host = world.hosts[site];
  if (host === undefined) throw new Error(`there is no site ${site}`);
  return host;
}

function restart(stage: Stage, sites: readonly number[]): void {
  const disks = sites.map((site) => [site, stage.crash(site)] as const);
  for (const [site, disk] of disks) stage.start(site, disk);
}

// It asked for a cold start, which the contract refuses to a revoked leader, for ever.
test("a revoked leader of members that restarted gives way", () => {
  const stage = setStage(3);
  expect(stage.increment(a, 1)).toBe(1);
  stage.mine({ name: "revocation", call: revoke(memberAt(a)) });
  siteAt(stage, a).purpose = "leaving";
  restart(stage, [a, b, c]);
  stage.untilWell();
  stage.expectValue(1, [b, c]);
});

// The one that is gone was taken for normal, so that the one that had forgotten could not rejoin.
test("a majority goes on when one is gone and only one of the others restarted", () => {
  const stage = setStage(3, { coldStart: "majority" });
  expect(stage.increment(a, 1)).toBe(1);
  stage.crash(c);
  siteAt(stage, c).purpose = "gone";
  restart(stage, [b]);
  stage.untilWell();
  stage.expectValue(1, [a, b]);
});

// Its own log, long outdated, had it wait for members that were removed and ended since.
test("a laggard that is to lead a cold start needs nobody who has left", () => {
  const stage = setStage(5);
  const mend = stage.part([c], [a, b, d, e]);
  for (const site of [e, d]) letGo(stage, site);
  expect(stage.increment(a, 1)).toBe(1);
  const disks = [a, b].map((site) => stage.crash(site));
  mend();
  disks.forEach((disk, site) => void stage.start(site, disk));
  stage.elect(c);
  stage.untilWell();
  stage.expectValue(1, [a, b, c]);
});

// It could not know whom else it needed, and asked for one cold start after another.
test("a leader without a log leaves a cold start to who knows whom it needs", () => {
  const stage = setStage(3);
  const { chain } = stage.world;
  expect(stage.increment(a, 1)).toBe(1);
  const mend = stage.part([c], [a, b]);
  expect(stage.increment(a, 10)).toBe(11);
  const slot = chain.head().roster.members[b]?.slot ?? -1;
  const change = { sender: memberAt(a), term: chain.head().term, slot };
  stage.mine({ name: "removal", call: remove(change, fastDigest) });
  siteAt(stage, b).purpose = "leaving";
  const [, diskOfB, diskOfC] = [a, b, c].map((site) => stage.crash(site));
  mend();
  stage.start(a, blankDisk());
  if (diskOfB) stage.start(b, diskOfB);
  if (diskOfC) stage.start(c, diskOfC);
  stage.untilWell();
  stage.expectValue(11, [a, c]);
});

// What it had refused for an anchor that never was, it did not look at again.
test("a cold start that a lie about the anchor stopped goes on after it", () => {
  const stage = setStage(3);
  expect(stage.increment(a, 1)).toBe(1);
  const [endpoint] = stage.world.chain.endpoints;
  const anchor = { coldTerm: term(0), index: 1_000, logRoot: noHash };
  if (endpoint) endpoint.lie = (truth) => ({ ...truth, anchor });
  restart(stage, [a, b, c]);
  stage.until("it refuses", () => stage.process(a).replica().office?.rollback != null);
  if (endpoint) endpoint.lie = null;
  stage.untilWell();
  stage.expectValue(1, [a, b, c]);
});

// It led a term that the contract had taken back, in which no member can be admitted.
test("a sole member that is ahead of the chain lets others join", () => {
  const stage = setStage(1, { siteCount: 2 });
  expect(stage.increment(a, 1)).toBe(1);
  restart(stage, [a]);
  stage.untilWell();
  stage.world.chain.reorganise(64, 1);
  expect(stage.world.chain.head().term).toBe(1);
  join(stage.world, siteAt(stage, b), "kept");
  stage.untilWell();
  stage.expectValue(1, [b]);
});
