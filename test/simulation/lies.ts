/**
 * What a lying endpoint says. It lies about anything but what the protocol believes: genesis, as long
 * as the asker holds no log, and cold starts.
 */
import { bootKey, hash, type Term, term } from "../../node/src/consensus/ids.ts";
import { type Member, type Roster, rosterOf } from "../../node/src/consensus/roster.ts";
import type { View } from "../../node/src/consensus/view.ts";
import type { Lie } from "./chain.ts";
import { fastDigest } from "./digest.ts";
import { memberAt } from "./names.ts";
import type { Fault } from "./plan.ts";

type Lying = Extract<Fault, { kind: "endpoint-lies" }>;

/** A wallet that no site has, and a boot that nobody is. */
const stranger: Member = { slot: 200, id: memberAt(900), bootKey: bootKey("e".repeat(64)) };

export function lieOf(lying: Lying): Lie {
  let from: Term | null = null;
  return (truth, asker) => {
    if (truth.term === 0) return truth;
    from ??= truth.term;
    switch (lying.about) {
      case "leader":
        return { ...truth, term: toldTerm(from, truth, lying), leader: leaderBy(truth, lying) };
      case "roster": {
        if (!asker.holdsLog) return truth;
        const roster = rosterBy(truth, lying);
        const leader = roster.members[lying.nth % roster.members.length]?.id ?? null;
        return { ...truth, term: toldTerm(from, truth, lying), leader, roster };
      }
      case "members":
        return membersBy(truth, lying);
      case "anchor":
        return { ...truth, anchor: anchorBy(lying), settled: !truth.settled };
      default:
        return lying.about satisfies never;
    }
  };
}

/** One term for as long as the lie lasts, and never that of a cold start. */
function toldTerm(from: Term, { coldTerm }: View, { termsAhead }: Lying): Term {
  return term(Math.max(from + termsAhead, coldTerm + 1));
}

function leaderBy({ roster, leader }: View, { nth }: Lying) {
  return roster.members[nth]?.id ?? leader;
}

/** One member fewer, one more, or one under a boot that nobody is. */
function rosterBy({ roster: { members }, pending }: View, { nth }: Lying): Roster {
  const at = nth % members.length;
  const lies = [
    members.length > 1 ? members.toSpliced(at, 1) : members,
    [...members, pending[0] ?? stranger],
    members.map((member, place) =>
      place === at ? { ...member, bootKey: stranger.bootKey } : member,
    ),
  ];
  return rosterOf(lies[nth % lies.length] ?? members, fastDigest);
}

function membersBy(truth: View, { nth }: Lying): View {
  const one = truth.roster.members[nth % truth.roster.members.length]?.id;
  const departing = one === undefined ? [] : [one];
  return nth % 2 === 0
    ? { ...truth, departing, pending: [] }
    : { ...truth, departing: [], pending: [...truth.pending, stranger] };
}

function anchorBy({ nth }: Lying): View["anchor"] {
  if (nth % 2 === 0) return null;
  return { coldTerm: term(0), index: 10 ** nth, logRoot: hash("a".repeat(64)) };
}
