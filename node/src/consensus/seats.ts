/**
 * What the log says about its members: which boot speaks for each, and the rosters that matter.
 *
 * It is a fold over the entries, committed or not, so that any log (and any snapshot) gives the
 * same answer on every replica. See protocol.md, "What a replica keeps".
 */
import type { Entry, TermStart } from "./entry.ts";
import { type BootKey, type MemberId, type Term, term } from "./ids.ts";
import { memberOf, type Roster } from "./roster.ts";

export type RosterAt = { readonly index: number; readonly term: Term; readonly roster: Roster };

export type Seats = {
  /** The boot that speaks for each member some term-start lists. */
  readonly valid: ReadonlyMap<MemberId, BootKey>;
  /** Every boot key the log ever named: a log names a key once. */
  readonly named: ReadonlySet<BootKey>;
  /** Of the term-starts, oldest first, from the last one on that is known to be committed. */
  readonly rosters: readonly RosterAt[];
  /**
   * Index of the entry that named each valid boot. A boot that forgot what it said counts once that
   * entry is committed, by a quorum without it. (A roster may list such a boot before there is a
   * log: a cold start that came to nothing has put it there.)
   */
  readonly namedAt: ReadonlyMap<MemberId, number>;
  /** Term of the last cold start; 0 is "none". */
  readonly coldTerm: Term;
};

/** Seats of a log with changes of members that may not be committed; snapshots hold none. */
export type OpenSeats = Seats & {
  /** The boots of members that only an earlier roster in play lists. */
  readonly outgoing: ReadonlyMap<MemberId, BootKey>;
};

export const noSeats: OpenSeats = {
  valid: new Map(),
  named: new Set(),
  rosters: [],
  namedAt: new Map(),
  coldTerm: term(0),
  outgoing: new Map(),
};

export function openSeats(snapshot: { readonly seats: Seats } | null): OpenSeats {
  return snapshot === null ? noSeats : { ...snapshot.seats, outgoing: new Map() };
}

/** Most entries are commands and change nothing here, so the fold returns early for them. */
export function seatsAfter(seats: OpenSeats, entries: readonly Entry[]): OpenSeats {
  let after = seats;
  for (const entry of entries) {
    if (entry.body.kind === "term-start") after = onTermStart(after, entry, entry.body);
    else after = settleByTerm(after, entry);
    if (entry.body.kind === "rejoin") {
      const { member, bootKey } = entry.body;
      after = {
        ...after,
        valid: new Map(after.valid).set(member, bootKey),
        named: new Set(after.named).add(bootKey),
        namedAt: new Map(after.namedAt).set(member, entry.index),
      };
    }
  }
  return after;
}

function onTermStart(seats: OpenSeats, entry: Entry, { roster, cold }: TermStart): OpenSeats {
  const valid = new Map<MemberId, BootKey>();
  const namedAt = new Map<MemberId, number>();
  const named = new Set(seats.named);
  for (const member of roster.members) {
    const known = cold ? undefined : seats.valid.get(member.id);
    valid.set(member.id, known ?? member.bootKey);
    namedAt.set(member.id, cold ? entry.index : (seats.namedAt.get(member.id) ?? entry.index));
    named.add(known ?? member.bootKey);
  }
  const before = [...seats.outgoing, ...seats.valid];
  return {
    outgoing: new Map(before.filter(([id]) => !valid.has(id))),
    valid,
    named,
    rosters: [...seats.rosters, { index: entry.index, term: entry.term, roster }],
    namedAt,
    coldTerm: cold ? entry.term : seats.coldTerm,
  };
}

/** A leader appends nothing else before its term-start is committed: what follows one proves it. */
function settleByTerm(seats: OpenSeats, { term: ofTerm, index }: Entry): OpenSeats {
  if (seats.rosters.length <= 1 || seats.rosters.at(-1)?.term !== ofTerm) return seats;
  return settleRosters(seats, index);
}

/** Drops the rosters that a later committed term-start has replaced. */
export function settleRosters(seats: OpenSeats, commitIndex: number): OpenSeats {
  const settled = seats.rosters.findLastIndex(({ index }) => index <= commitIndex);
  if (settled <= 0) return seats;
  const rosters = seats.rosters.slice(settled);
  const listed = (id: MemberId) => rosters.some(({ roster }) => memberOf(roster, id) !== undefined);
  return { ...seats, rosters, outgoing: new Map([...seats.outgoing].filter(([id]) => listed(id))) };
}

/**
 * The boot that speaks for `member`: by the log; by the contract's roster only while no term-start
 * lists the member.
 */
export function validBoot(
  { valid, outgoing }: OpenSeats,
  roster: Roster,
  member: MemberId,
): BootKey | undefined {
  return valid.get(member) ?? outgoing.get(member) ?? memberOf(roster, member)?.bootKey;
}
