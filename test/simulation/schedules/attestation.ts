/** Members whose boots attestation refuses. */
import assert from "node:assert/strict";
import { memberOf } from "../../../node/src/consensus/roster.ts";
import { refuse } from "../attestation.ts";
import { blankDisk } from "../disk.ts";
import { endAll } from "../machines.ts";
import { letterAt } from "../names.ts";
import { join } from "../operators.ts";
import type { SetStage, Stage } from "../stage.ts";
import { Violation } from "../violation.ts";

const [a, b, c, d] = [0, 1, 2, 3];

/**
 * A follower's boot is refused, then the leader's: each is removed, nothing is lost, and each is a
 * member again once another boot of it has registered.
 */
export function refusedMembers(set: SetStage): void {
  const stage = set(4);
  assert.equal(stage.increment(a, 1), 1);
  letGo(stage, d);
  assert.equal(stage.increment(b, 10), 11);
  letGo(stage, a);
  assert.equal(stage.increment(c, 100), 111);
  for (const site of [a, d]) join(stage.world, hostAt(stage, site), "kept");
  stage.untilWell();
  stage.expectValue(111, [a, b, c, d]);
}

/** Its boot is refused until the contract lists it no more; then its operator ends the machine. */
function letGo(stage: Stage, site: number): void {
  const { world } = stage;
  const host = hostAt(stage, site);
  refuse(world, host);
  const isMember = () => memberOf(world.chain.head().roster, host.member) !== undefined;
  for (let waited = 0; isMember(); waited += 1) {
    if (waited > 300) {
      const detail = `${letterAt(site)} is a member still, though its boot is refused`;
      throw new Violation("the cluster recovers", detail);
    }
    stage.run(1);
  }
  const { leader, term } = world.chain.head();
  const leading = world.hosts.find(({ member }) => member === leader)?.processes.at(-1);
  stage.until("its removal is committed", () => {
    const office = leading?.replica().office;
    return office?.term === term && office.stage === "active";
  });
  endAll(world, host);
  host.purpose = "absent";
  host.rightDisk ??= blankDisk();
}

function hostAt({ world }: Stage, site: number) {
  return world.hosts[site] ?? assert.fail(`there is no site ${site}`);
}
