/** A process has the contract list its boot, as the node's own enrolment does. */
import type { BootKey, MemberId } from "../../node/src/consensus/ids.ts";
import type { View } from "../../node/src/consensus/view.ts";
import { register, reregister } from "./contract/roster.ts";
import { fastDigest } from "./digest.ts";
import type { Process } from "./process.ts";
import { isInPlay } from "./taint.ts";
import type { World } from "./world.ts";

/**
 * Registers, or puts this boot in the place of one that waits to become a member. Once a member, a
 * restart rejoins by the log instead.
 */
export function enrol(world: World, process: Process, view: View): void {
  const { chain, enrolled, hosts } = world;
  const { site, boot, name } = process;
  if (enrolled.has(boot.bootKey) || hosts[site]?.purpose !== "serving") return;
  const listed = listedBoot(view, boot.member);
  if (listed !== undefined && (listed === boot.bootKey || isCounted(view, boot.member))) {
    enrolled.add(boot.bootKey);
    return;
  }
  const own = { id: boot.member, bootKey: boot.bootKey };
  chain.send(site, {
    name: `registration of ${name}`,
    call: listed === undefined ? register(own, fastDigest) : reregister(own, fastDigest),
    onMined: () => onRegistered(world, process),
  });
}

function onRegistered(world: World, process: Process): void {
  const { oracle, hosts, enrolled } = world;
  const host = hosts[process.site];
  // What a member of no roster that matters ever said does not matter either.
  if (host !== undefined && !isInPlay(world, host)) host.rightDisk = process.disk;
  oracle.registered(process.boot.bootKey);
  enrolled.add(process.boot.bootKey);
  process.input({ kind: "registered" });
}

function isCounted({ term, roster }: View, member: MemberId): boolean {
  return term > 0 && roster.members.some(({ id }) => id === member);
}

function listedBoot({ roster, pending }: View, member: MemberId): BootKey | undefined {
  return [...roster.members, ...pending].find(({ id }) => id === member)?.bootKey;
}
