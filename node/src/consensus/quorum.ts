import type { MemberId } from "./ids.ts";
import type { Roster } from "./roster.ts";

/** Fewest members that form a majority. Any two majorities share a member. */
export function quorumSize(memberCount: number): number {
  return Math.floor(memberCount / 2) + 1;
}

/** True when `ayes` holds a quorum of each roster: joint quorums make changes of members safe. */
export function isQuorumOfEach(rosters: readonly Roster[], ayes: ReadonlySet<MemberId>): boolean {
  return rosters.every(({ members }) => {
    const counted = members.filter(({ id }) => ayes.has(id)).length;
    return counted >= quorumSize(members.length);
  });
}

/** True when `ayes` holds every member of each roster. */
export function isAllOfEach(rosters: readonly Roster[], ayes: ReadonlySet<MemberId>): boolean {
  return rosters.every(({ members }) => members.every(({ id }) => ayes.has(id)));
}

/**
 * The greatest index that a quorum of each roster has reached.
 *
 * @param reached highest index each counted member holds; a member left out holds nothing
 */
export function indexHeldByQuorum(
  rosters: readonly Roster[],
  reached: ReadonlyMap<MemberId, number>,
): number {
  return indexHeldBy(rosters, reached, quorumSize);
}

/** The greatest index that every member of each roster has reached. */
export function indexHeldByAll(
  rosters: readonly Roster[],
  reached: ReadonlyMap<MemberId, number>,
): number {
  return indexHeldBy(rosters, reached, (memberCount) => memberCount);
}

function indexHeldBy(
  rosters: readonly Roster[],
  reached: ReadonlyMap<MemberId, number>,
  needed: (memberCount: number) => number,
): number {
  const perRoster = rosters.map(({ members }) => {
    const descending = members.map(({ id }) => reached.get(id) ?? 0).sort((a, b) => b - a);
    return descending[needed(members.length) - 1] ?? 0;
  });
  return perRoster.length === 0 ? 0 : Math.min(...perRoster);
}
