/**
 * What the people do who run the machines: they start nodes and have members leave, end a machine
 * only once no roster that matters lists it, start a removed one again, and keep within the fault
 * model.
 */
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import { isRefused } from "./attestation.ts";
import { leave, revoke } from "./contract/roster.ts";
import { blankDisk } from "./disk.ts";
import type { Host } from "./host.ts";
import { endAll, endProcess, startProcess } from "./machines.ts";
import { letterAt, siteOf } from "./names.ts";
import { isInPlay, rostersInPlay, taintedTooMany } from "./taint.ts";
import type { World } from "./world.ts";

export function join(world: World, host: Host, disk: "kept" | "lost"): void {
  if (host.purpose !== "absent" || isRevoked(world, host)) return;
  host.purpose = "serving";
  startAgain(world, host, disk);
}

export function depart(
  world: World,
  host: Host,
  { staysUp, by }: { readonly staysUp: boolean; readonly by: "operator" | "owner" },
): void {
  if (host.purpose !== "serving" || !canDoWithout(world, host)) return;
  if (by === "owner" && !canVoteWithout(world, host)) return;
  host.purpose = "leaving";
  host.staysUp = staysUp;
  const [word, call] = by === "owner" ? ["revocation", revoke] : ["departure", leave];
  const name = `${word} of ${letterAt(host.site)}`;
  world.chain.send(by === "owner" ? null : host.site, { name, call: call(host.member) });
}

/** One at most: without it, and without those that are leaving, there must be a quorum. */
export function lose(world: World, host: Host): void {
  if (world.hosts.some(({ purpose }) => purpose === "gone")) return;
  if (host.purpose !== "serving") return;
  if (!canDoWithout(world, host, 1) || !canVoteWithout(world, host)) return;
  if (!rostersInPlay(world).every((roster) => hasQuorumWithout(roster, host))) return;
  host.purpose = "gone";
  endAll(world, host);
}

/** To be called now and then. */
export function reviewHosts(world: World): void {
  for (const host of world.hosts) {
    if (host.purpose !== "serving" && host.purpose !== "leaving") continue;
    const waits = waitsUnderDeadBoot(world, host);
    if (!waits && (isListed(world, host) || isInPlay(world, host))) continue;
    if (host.purpose === "leaving" || isRevoked(world, host)) {
      host.purpose = "absent";
      if (!host.staysUp) endAll(world, host);
    } else if (host.processes.some(({ boot }) => world.enrolled.has(boot.bootKey))) {
      // It was a member, or waited to be one: a new boot registers anew.
      startAgain(world, host, world.random.chance(0.5) ? "kept" : "lost");
    }
  }
}

/**
 * A smaller roster has less room for taint: hosts whose right process runs end their strays.
 *
 * @returns whether there is room then
 */
export function makeRoomFor(world: World, roster: Roster): boolean {
  for (;;) {
    const excess = taintedTooMany(world, roster);
    if (excess.length === 0) return true;
    const host = excess.find(({ processes, rightDisk }) =>
      processes.some(({ disk }) => disk === rightDisk),
    );
    if (host === undefined) return false;
    for (const process of [...host.processes]) {
      if (process.disk !== host.rightDisk) endProcess(world, process);
    }
    for (const disk of [...host.awaited]) if (disk !== host.rightDisk) host.awaited.delete(disk);
  }
}

/** A member that some roster in play still lists comes back with its right disk, if it has one. */
function startAgain(world: World, host: Host, disk: "kept" | "lost"): void {
  endAll(world, host);
  const matters = isInPlay(world, host) || isListed(world, host);
  const from = (matters || disk === "kept" ? host.rightDisk : null) ?? blankDisk();
  if (!matters) host.rightDisk = from;
  startProcess(world, host, from);
}

/** Whether those who stay could still bring about all that is asked of them. */
function canDoWithout(world: World, host: Host, lost = 0): boolean {
  const { chain, hosts } = world;
  const { term, roster, departing, revoked } = chain.head();
  const goes = (site: number) =>
    hosts[site]?.purpose !== "serving" || isRefused(world, hosts[site]);
  if (term === 0) return false;
  const rest = roster.members.filter(({ id }) => siteOf(id) !== host.site);
  const gone = rest.filter(({ id }) => hosts[siteOf(id)]?.purpose === "gone").length + lost;
  const staying = rest.filter(
    ({ id }) => !goes(siteOf(id)) && !departing.has(id) && !revoked.has(id),
  ).length;
  return staying > 0 && staying >= quorumSize(staying + gone);
}

/** A change of members that is not committed yet needs the roster before it, too. */
function hasQuorumWithout({ members }: Roster, { member }: Host): boolean {
  const isListed = members.some(({ id }) => id === member);
  return !isListed || members.length - 1 >= quorumSize(members.length);
}

/** Revoked members do not vote. */
function canVoteWithout({ chain, hosts }: World, host: Host): boolean {
  const { roster, revoked } = chain.head();
  const voters = roster.members.filter(
    ({ id }) =>
      siteOf(id) !== host.site && !revoked.has(id) && hosts[siteOf(id)]?.purpose !== "gone",
  );
  return voters.length >= quorumSize(roster.members.length);
}

export function isRevoked({ chain }: World, { member }: Host): boolean {
  return chain.head().revoked.has(member);
}

export function isListed({ chain }: World, { member }: Host): boolean {
  const { roster, pending } = chain.head();
  return [...roster.members, ...pending].some(({ id }) => id === member);
}

/** The chain took its registration back and kept an earlier one. */
function waitsUnderDeadBoot({ chain, enrolled }: World, { member, processes }: Host): boolean {
  const listed = chain.head().pending.find(({ id }) => id === member);
  if (listed === undefined || processes.length === 0) return false;
  return processes.every(
    ({ boot }) => boot.bootKey !== listed.bootKey && enrolled.has(boot.bootKey),
  );
}
