/** Sites: where members' machines stand. A site has one wallet for good, whatever slot it is given. */
import { type MemberId, memberId } from "../../node/src/consensus/ids.ts";

const letters = "ABCDEFGHIJKLMNOP";

export const memberAt = (site: number): MemberId =>
  memberId(`0x${String(site + 1).padStart(40, "0")}`);

export const siteOf = (member: MemberId): number => Number(member.slice(2)) - 1;

/** For people: sites are letters. A wallet that no site has keeps its own name. */
export const letterAt = (site: number): string => letters[site] ?? `site ${site}`;
export const letterOf = (member: MemberId | null): string =>
  member === null ? "nobody" : letterAt(siteOf(member));
