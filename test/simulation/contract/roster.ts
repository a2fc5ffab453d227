/** Who is a member: Roster.sol. */
import type { BootKey, Digest, MemberId } from "../../../node/src/consensus/ids.ts";
import { type Member, type Roster, rosterOf } from "../../../node/src/consensus/roster.ts";
import { type Call, isSeated, type Ledger, startTerm } from "./ledger.ts";

export const slotCount = 256;

type Registration = { readonly id: MemberId; readonly bootKey: BootKey };

/** Before term 1 who registers is a member at once; later it waits as pending. */
export function register({ id, bootKey }: Registration, digest: Digest): Call {
  return (before) => {
    if (before.revoked.has(id) || isRegistered(before, id)) return null;
    const slot = freeSlot(before);
    const member = { slot, id, bootKey };
    const after = { ...before, nextSlot: (slot + 1) % slotCount };
    if (before.term > 0) return { ...after, pending: bySlot([...before.pending, member]) };
    const roster = rosterOf([...before.roster.members, member], digest);
    const first = roster.members[0]?.id ?? null;
    const isComplete = roster.members.length === before.genesisSize;
    return isComplete ? startTerm({ ...after, roster }, first) : { ...after, roster };
  };
}

/** Another boot, as long as no term counts the member. */
export function reregister({ id, bootKey }: Registration, digest: Digest): Call {
  return (before) => {
    const isCounted = before.term > 0 && isSeated(before, id);
    if (isCounted || !isRegistered(before, id)) return null;
    const renamed = (member: Member) => (member.id === id ? { ...member, bootKey } : member);
    const pending = before.pending.map(renamed);
    const roster = rosterOf(before.roster.members.map(renamed), digest);
    return before.term > 0 ? { ...before, pending } : { ...before, roster };
  };
}

/** A pending member is dropped at once; a member waits until the leader removes it. */
export function leave(member: MemberId): Call {
  return (before) => {
    if (!isSeated(before, member)) return dropPending(before, member);
    if (before.departing.has(member)) return null;
    return { ...before, departing: new Set(before.departing).add(member) };
  };
}

/** By the owner. */
export function revoke(member: MemberId): Call {
  return (before) => {
    if (before.revoked.has(member)) return null;
    const after = { ...before, revoked: new Set(before.revoked).add(member) };
    return dropPending(after, member) ?? after;
  };
}

export function withSeat(ledger: Ledger, member: Member, digest: Digest): Ledger {
  return {
    ...ledger,
    pending: ledger.pending.filter(({ id }) => id !== member.id),
    roster: rosterOf([...ledger.roster.members, member], digest),
  };
}

/** Frees the seat and all that was bound to it; what was revoked stays so. */
export function withoutSeat(ledger: Ledger, member: MemberId, digest: Digest): Ledger {
  const departing = new Set(ledger.departing);
  departing.delete(member);
  return { ...ledger, departing, roster: without(ledger.roster, member, digest) };
}

export function without(roster: Roster, member: MemberId, digest: Digest): Roster {
  return rosterOf(
    roster.members.filter(({ id }) => id !== member),
    digest,
  );
}

function dropPending(before: Ledger, member: MemberId): Ledger | null {
  const pending = before.pending.filter(({ id }) => id !== member);
  return pending.length === before.pending.length ? null : { ...before, pending };
}

function isRegistered(ledger: Ledger, member: MemberId): boolean {
  return isSeated(ledger, member) || ledger.pending.some(({ id }) => id === member);
}

function freeSlot({ roster, pending, nextSlot }: Ledger): number {
  const taken = new Set([...roster.members, ...pending].map(({ slot }) => slot));
  let slot = nextSlot;
  while (taken.has(slot)) slot = (slot + 1) % slotCount;
  return slot;
}

const bySlot = (members: readonly Member[]): readonly Member[] =>
  members.toSorted((a, b) => a.slot - b.slot);
