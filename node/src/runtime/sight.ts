/** What this process has seen of the contract: its newest view, and how its own place there ended. */
import type { MemberId, Term } from "../consensus/ids.ts";
import type { ChainView, MemberRecord } from "./ports.ts";

export type Sight = {
  note(view: ChainView, readAtMs: number): void;
  chainView(): { readonly view: ChainView; readonly readAtMs: number } | null;
  /** null while the contract lists this member, and if it never did. */
  removal(): Removal | null;
};

export type Removal = {
  /** The term in which the contract was first seen without it. */
  readonly term: Term;
  readonly was: "member" | "pending";
  /** Its wallet cannot register again. */
  readonly revoked: boolean;
};

export function createSight(self: MemberId): Sight {
  let newest: { readonly view: ChainView; readonly readAtMs: number } | null = null;
  let removal: Removal | null = null;
  return {
    note(view, readAtMs) {
      removal = removalAfter(removal, newest?.view ?? null, view, self);
      newest = { view, readAtMs };
    },
    chainView: () => newest,
    removal: () => removal,
  };
}

/** @param known what was known before; a registration anew ends it */
function removalAfter(
  known: Removal | null,
  before: ChainView | null,
  now: ChainView,
  self: MemberId,
): Removal | null {
  if (placeOf(now, self) !== null) return null;
  const place = before === null ? null : placeOf(before, self);
  if (place === null) return known;
  return { term: now.view.term, was: place.was, revoked: place.record.revoked };
}

function placeOf(
  { members, pending }: ChainView,
  self: MemberId,
): { readonly was: Removal["was"]; readonly record: MemberRecord } | null {
  const isSelf = ({ id }: MemberRecord) => id === self;
  const member = members.find(isSelf);
  if (member !== undefined) return { was: "member", record: member };
  const waiting = pending.find(isSelf);
  return waiting === undefined ? null : { was: "pending", record: waiting };
}

export function describeRemoval({ term, was, revoked }: Removal): string {
  const thing = was === "member" ? "member" : "registration";
  if (revoked) {
    return `nothing: this ${thing} was revoked, gone by term ${term}; its wallet cannot register again`;
  }
  const ended = was === "member" ? "removed" : "withdrawn before it was admitted,";
  return `nothing: this ${thing} was ${ended} in term ${term}; start it again to register anew`;
}
