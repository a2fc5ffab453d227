import { asciiBytes } from "./ascii.ts";
import { type BootKey, type Digest, type Hash, type MemberId, noHash } from "./ids.ts";

/** One active member as the contract lists it; endpoints are not the core's business. */
export type Member = {
  /** Seat number in the contract, 0 to 255. Orders signatures and breaks ties. */
  readonly slot: number;
  readonly id: MemberId;
  readonly bootKey: BootKey;
};

/** The ordered members of one term, ascending by slot. */
export type Roster = { readonly hash: Hash; readonly members: readonly Member[] };

/** Names a roster by its hash, so that a promise can bind to exactly these members. */
export function rosterOf(members: readonly Member[], digest: Digest): Roster {
  // Only what the hash covers: whatever else a caller knows of its members stays outside the log.
  const ordered = members
    .map(({ slot, id, bootKey }) => ({ slot, id, bootKey }))
    .sort((a, b) => a.slot - b.slot);
  const text = ordered.map(({ slot, id, bootKey }) => `${slot} ${id} ${bootKey}\n`).join("");
  return { hash: digest(noHash, asciiBytes(text)), members: ordered };
}

export function memberOf(roster: Roster, id: MemberId): Member | undefined {
  return roster.members.find((member) => member.id === id);
}
