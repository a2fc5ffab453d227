/**
 * How many members' hosts may roll back or clone at a time.
 *
 * A committed entry lies on a quorum of right disks. A cold start that hears all members must meet
 * one of these: fewer than a quorum may be tainted. One that hears a quorum only must meet it in
 * what two quorums are sure to share. It goes for every roster that may still matter.
 */
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import type { Disk } from "./disk.ts";
import { type Host, isTainted } from "./host.ts";
import { siteOf } from "./names.ts";
import type { World } from "./world.ts";

export function mayTaint(world: World, host: Host): boolean {
  return rostersInPlay(world)
    .filter((roster) => lists(roster, host))
    .every((roster) => tainted(world, roster, host).length + 1 <= taintedMax(world, roster));
}

/** The contract's, the last committed one, and whichever a log may still take to matter. */
export function rostersInPlay({ chain, oracle, hosts }: World): readonly Roster[] {
  const { term, roster } = chain.head();
  const open = oracle.openRosters();
  const after = open[0]?.index ?? 0;
  const inMemory = hosts.flatMap(({ processes }) =>
    processes.flatMap(({ replica }) => replica().seats.rosters),
  );
  const later = [...inMemory, ...hosts.flatMap((host) => rostersOn(host, after))].filter(
    ({ index }) => index > after,
  );
  const inLogs = [...open, ...later].map((at) => at.roster);
  return distinct(term > 0 ? [roster, ...inLogs] : inLogs);
}

export function isInPlay(world: World, host: Host): boolean {
  return rostersInPlay(world).some((roster) => lists(roster, host));
}

/** The tainted hosts of a roster that has no room for so many; empty while all is well. */
export function taintedTooMany(world: World, roster: Roster): readonly Host[] {
  const hosts = tainted(world, roster);
  return hosts.length > taintedMax(world, roster) ? hosts : [];
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

function rostersOn({ processes, rightDisk, awaited }: Host, after: number) {
  const disks = new Set<Disk>([...processes.map(({ disk }) => disk), ...awaited]);
  if (rightDisk !== null) disks.add(rightDisk);
  return [...disks].flatMap(({ beforeIndex, entries }) =>
    entries
      .slice(Math.max(after - beforeIndex, 0))
      .flatMap(({ index, body }) =>
        body.kind === "term-start" ? [{ index, roster: body.roster }] : [],
      ),
  );
}

function distinct(rosters: readonly Roster[]): readonly Roster[] {
  return [...new Map(rosters.map((roster) => [roster.hash, roster])).values()];
}
