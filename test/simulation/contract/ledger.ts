/**
 * The membership contract as far as the core can tell: its state, and what reading it shows. The
 * calls that change it stand beside this file, named for the contract's own sources.
 */
import type { Anchor } from "../../../node/src/consensus/checkpoint.ts";
import { type Digest, type MemberId, type Term, term } from "../../../node/src/consensus/ids.ts";
import { quorumSize } from "../../../node/src/consensus/quorum.ts";
import { type Member, type Roster, rosterOf } from "../../../node/src/consensus/roster.ts";
import type { View } from "../../../node/src/consensus/view.ts";

export type Ledger = {
  readonly genesisSize: number;
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly roster: Roster;
  readonly coldTerm: Term;
  /** Who has voted on-chain to end the present term. */
  readonly dissenters: ReadonlySet<MemberId>;
  /** Registered since genesis and not admitted yet, ascending by slot. */
  readonly pending: readonly Member[];
  readonly departing: ReadonlySet<MemberId>;
  /** Wallets revoked by the owner, members or not: none of them registers again. */
  readonly revoked: ReadonlySet<MemberId>;
  /** Where the search for a free slot begins: a slot that was freed stays unused for long. */
  readonly nextSlot: number;
  readonly anchor: Anchor | null;
};

/** One transaction. It returns the ledger after it, or null when the contract reverts. */
export type Call = (before: Ledger, chainTimeMs: number) => Ledger | null;

export function emptyLedger(genesisSize: number, digest: Digest): Ledger {
  return {
    genesisSize,
    term: term(0),
    leader: null,
    roster: rosterOf([], digest),
    coldTerm: term(0),
    dissenters: new Set(),
    pending: [],
    departing: new Set(),
    revoked: new Set(),
    nextSlot: 0,
    anchor: null,
  };
}

export function viewOf(ledger: Ledger, settled: boolean): View {
  const { term: inTerm, leader, roster, genesisSize, coldTerm, pending, anchor } = ledger;
  const seated = roster.members.map(({ id }) => id);
  return {
    term: inTerm,
    leader,
    roster,
    genesisSize,
    coldTerm,
    revoked: seated.filter((id) => ledger.revoked.has(id)),
    departing: seated.filter((id) => ledger.departing.has(id)),
    pending,
    settled,
    anchor,
  };
}

export function startTerm(before: Ledger, leader: MemberId | null): Ledger {
  return { ...before, term: term(before.term + 1), leader, dissenters: new Set() };
}

export function isSeated({ roster }: Ledger, member: MemberId): boolean {
  return roster.members.some(({ id }) => id === member);
}

/** A member that may vote, sign and succeed. */
export function isInGoodStanding(ledger: Ledger, member: MemberId): boolean {
  return isSeated(ledger, member) && !ledger.revoked.has(member);
}

export function quorumOf({ roster }: Ledger): number {
  return quorumSize(roster.members.length);
}
