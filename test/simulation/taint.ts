/**
 * How many members' hosts may roll back or clone at a time.
 *
 * A committed entry lies on a quorum of right disks. A cold start that hears all members must meet
 * one of these: fewer than a quorum may be tainted. One that hears a quorum only must meet it in
 * what two quorums are sure to share. It goes for every roster that may still matter to anyone.
 */
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import type { Disk } from "./disk.ts";
import { type Host, isTainted } from "./host.ts";
import { siteOf } from "./names.ts";
import type { World } from "./world.ts";

export function mayTaint(world: World, host: Host): boolean {
  return rostersThatMatter(world)
    .filter((roster) => lists(roster, host))
    .every((roster) => tainted(world, roster, host).length + 1 <= taintedMax(world, roster));
}

/** True while the contract, or what is committed, may still ask something of this member. */
export function isInPlay(world: World, host: Host): boolean {
  return rostersInPlay(world).some((roster) => lists(roster, host));
}

/** The tainted hosts of a roster that has no room for so many; empty while all is well. */
export function taintedTooMany(world: World, roster: Roster): readonly Host[] {
  const hosts = tainted(world, roster);
  return hosts.length > taintedMax(world, roster) ? hosts : [];
}

export function rostersInPlay({ chain, oracle }: World): readonly Roster[] {
  const { term, roster } = chain.head();
  const committed = oracle.openRosters().map((open) => open.roster);
  return term > 0 ? [roster, ...committed] : committed;
}

/** And those that some log, however late, takes to be in play. */
function rostersThatMatter(world: World): readonly Roster[] {
  const inLogs = world.hosts.flatMap(({ processes, rightDisk, awaited }) => {
    const disks = new Set<Disk>([...processes.map(({ disk }) => disk), ...awaited]);
    if (rightDisk !== null) disks.add(rightDisk);
    const inMemory = processes.flatMap(({ replica }) => replica().seats.rosters);
    return [...inMemory.map((open) => open.roster), ...[...disks].flatMap(openOn)];
  });
  const rosters = [...rostersInPlay(world), ...inLogs];
  return [...new Map(rosters.map((roster) => [roster.hash, roster])).values()];
}

/** What follows a term-start in its own term shows that it is committed, and closes those before. */
function openOn({ snapshot, entries }: Disk): readonly Roster[] {
  let open = (snapshot?.seats.rosters ?? []).map(({ term, roster }) => ({ term, roster }));
  for (const { index, term, body } of entries) {
    if (index <= (snapshot?.at.index ?? 0)) continue;
    if (body.kind === "term-start") open.push({ term, roster: body.roster });
    else if (open.at(-1)?.term === term) open = open.slice(-1);
  }
  return open.map(({ roster }) => roster);
}

function taintedMax({ scenario }: World, { members }: Roster): number {
  const quorum = quorumSize(members.length);
  return scenario.coldStart === "all" ? quorum - 1 : 2 * quorum - members.length - 1;
}

function tainted({ hosts }: World, roster: Roster, but?: Host): readonly Host[] {
  return hosts.filter((host) => host !== but && lists(roster, host) && isTainted(host));
}

function lists({ members }: Roster, { site }: Host): boolean {
  return members.some(({ id }) => siteOf(id) === site);
}
