/** What a leader does as time passes: ask again, keep in touch, confirm its quorum, or give way. */
import type { ColdStart } from "./effect.ts";
import { setAsideFetched, takeUpSetAside } from "./fetch.ts";
import { type MemberId, noBoot } from "./ids.ts";
import { isGreater } from "./log.ts";
import { changeMembers, mustLeave, noteGoal } from "./members.ts";
import { askAll, distinct, tryToAdopt } from "./office.ts";
import { chooseSuccessor, heardLately, type Standing } from "./peers.ts";
import { isAllOfEach, isQuorumOfEach, quorumSize } from "./quorum.ts";
import { andThen, emit, type Office, type Replica, type Step, stay } from "./replica.ts";
import { broadcast, counts, markTick, mustHoldAll } from "./replicate.ts";
import type { Roster } from "./roster.ts";
import { validBoot } from "./seats.ts";
import { sendSnapshot } from "./transfer.ts";
import { isUnwelcome, laterTermPatience } from "./unwelcome.ts";
import { anchorTick } from "./vouchers.ts";

/** Suspicion times after which a silent member is given up on, where that is allowed at all. */
const silencePatience = 5;

export function officeTick(replica: Replica): Step {
  const { office, nowMs, setup } = replica;
  if (office === null) return stay(replica);
  switch (office.stage) {
    case "barred":
      return petition(replica, office);
    case "gathering": {
      const again = nowMs - office.askedMs >= setup.heartbeatMs;
      // What the contract says of its anchor may have changed since a log was refused for it.
      const tried = again ? andThen(askAll(takeUpSetAside(replica)), tryToAdopt) : stay(replica);
      return andThen(tried, (asked) =>
        asked.office?.stage === "gathering" ? petition(asked, asked.office) : stay(asked),
      );
    }
    case "fetching": {
      const stuck = nowMs - (office.fetch?.sentMs ?? nowMs) > setup.suspectAfterMs;
      return stuck ? tryToAdopt(setAsideFetched(replica)) : stay(replica);
    }
    case "starting":
    case "active":
      return lead(replica, office);
    default:
      return office.stage satisfies never;
  }
}

function lead(replica: Replica, office: Office): Step {
  const { nowMs, awakeMs, setup } = replica;
  const due = nowMs - office.broadcastMs >= setup.heartbeatMs;
  const inTouch = inTouchWith(replica, office);
  const noted = isEnoughInTouch(replica, office, inTouch)
    ? { ...replica, office: { ...office, quorumAwakeMs: awakeMs } }
    : replica;
  const cutOff = awakeMs - (noted.office?.quorumAwakeMs ?? awakeMs) >= setup.suspectAfterMs;
  // Not before a quorum holds its log: its successor could not fetch what it has compacted.
  const leaves = office.stage === "active" && mustLeave(noted);
  const mustGo = cutOff || isUnwelcome(noted, office) || isDisowned(noted, office) || leaves;
  const kept = andThen(due ? broadcast(noted) : stay(noted), resumeTransfers);
  const marked = andThen(andThen(kept, markTick), anchorTick);
  const asked = andThen(marked, (led) => (mustGo ? petition(led, office) : stay(led)));
  return andThen(asked, (led) => changeMembers(noteGoal(led), inTouch));
}

/**
 * Members that see only what the contract shows now can never follow this leader: it leads on, and
 * moves the contract past its term. An endpoint that lags for a while is no reason yet.
 */
function isDisowned({ nowMs, setup }: Replica, { disownedMs }: Office): boolean {
  return disownedMs !== null && nowMs - disownedMs >= setup.suspectAfterMs * laterTermPatience;
}

/** With all that it needs: of each roster in play a quorum, in a cold start every member. */
function isEnoughInTouch(
  replica: Replica,
  office: Office,
  members: ReadonlySet<MemberId>,
): boolean {
  return mustHoldAll(replica, office)
    ? isAllOfEach(office.joint, members)
    : isQuorumOfEach(office.joint, members);
}

function inTouchWith(replica: Replica, office: Office): ReadonlySet<MemberId> {
  const { setup, nowMs, status, refused } = replica;
  const members = new Set<MemberId>();
  for (const { boot, status: theirs, ackedMs } of office.progress.values()) {
    const recent = nowMs - ackedMs < setup.suspectAfterMs && !refused.has(boot.bootKey);
    if (recent && counts(replica, office, boot, theirs)) members.add(boot.member);
  }
  const isHeard = !refused.has(setup.self.bootKey);
  if (isHeard && counts(replica, office, setup.self, status)) members.add(setup.self.member);
  return members;
}

function resumeTransfers(replica: Replica): Step {
  const { office, nowMs, setup } = replica;
  const stalled = [...(office?.progress.values() ?? [])].filter(
    ({ transfer, sentMs }) => transfer !== null && nowMs - sentMs > setup.suspectAfterMs,
  );
  return stalled.reduce<Step>(
    (step, { boot }) => andThen(step, (resumed) => sendSnapshot(resumed, boot.bootKey)),
    stay(replica),
  );
}

/**
 * A leader that cannot serve asks the contract for a way out: a cold start when too many members
 * have forgotten what they said, else another leader. Each failed term doubles the patience.
 */
function petition(replica: Replica, { sinceMs, petitionedMs, setAside, stage }: Office): Step {
  const { view, office, nowMs, setup, doubt } = replica;
  // Of a term that the contract took back nobody can ask for the end: only of the one it shows.
  if (view === null || office === null || view.term > office.term) return stay(replica);
  if (view.leader !== setup.self.member) return stay(replica);
  if (nowMs - petitionedMs < setup.suspectAfterMs * 2) return stay(replica);
  const asked = { ...replica, office: { ...office, petitionedMs: nowMs } };

  const serving = stage === "starting" || stage === "active";
  // The contract takes nothing but a hand-over from a leader that it revoked.
  const isRevoked = view.revoked.includes(setup.self.member);
  const cold = isRevoked ? null : coldStart(replica, office);
  const settling = office.cold && nowMs - sinceMs < setup.suspectAfterMs;
  // The same boots would bring the same logs: only another disk can end a refused cold start.
  if (office.rollback !== null && (cold === null || namesTheSame(cold, office))) {
    return stay(replica);
  }
  // Whoever holds more may know members that this replica, with less, does not know to need; but one
  // that is revoked cannot be named to lead in its place.
  const outdone =
    office.cold &&
    heardLately(replica, view.roster, setup.suspectAfterMs * 2).some(
      ({ last, boot }) => isGreater(last, replica.log.last) && !view.revoked.includes(boot.member),
    );
  if (cold !== null && !settling && setAside.size === 0 && !outdone) return emit(asked, cold);

  const patience = setup.suspectAfterMs * 2 ** Math.min(doubt.idleTerms, 5);
  if (!serving && stage !== "barred" && nowMs - sinceMs < patience) return stay(replica);
  if (stage === "barred" && nowMs - sinceMs < patience / 4) return stay(replica);
  // What cannot be fetched from its holder, its holder must adopt: whatever its status.
  const unfetched = setAside.size > 0 || outdone;
  // Who can do nothing more itself gives way to anyone.
  const helpless = isRevoked || stage === "barred" || isDisowned(replica, office);
  const leaving = mustLeave(replica) && !helpless ? view.departing : [];
  const without = new Set([setup.self.member, ...leaving]);
  // Who refuses this leader may have been lied to, and would be no better leader.
  const refusing = new Set([...without, ...office.refusedBy.keys()]);
  const agreeing = unfetched ? null : chooseSuccessor(replica, view, refusing);
  const successor =
    agreeing?.status === "normal" ? agreeing : chooseSuccessor(replica, view, without, unfetched);
  const useful = successor !== null && (successor.status === "normal" || unfetched || helpless);
  return useful
    ? emit(asked, { kind: "hand-over", term: view.term, successor: successor.boot.member })
    : stay(replica);
}

/**
 * With the members that may still be normal (normal, or silent) fewer than a quorum, no leader can
 * gather one again. `all` waits until every member answers; `majority` gives up on the silent ones:
 * no boot of theirs speaks for them until one has rejoined.
 * A boot that calls itself normal, but that the log has replaced, will not be counted either.
 */
function coldStart(replica: Replica, office: Office): ColdStart | null {
  const { view, setup } = replica;
  if (view === null) return null;
  // While a change of members is not committed, a leader needs those of the rosters before too.
  const best = greatestKnown(replica, office);
  const answered = heardLately(replica, view.roster, setup.suspectAfterMs * 2);
  const isBehind = answered.some(({ last }) => isGreater(last, best.last));
  const known = isBehind ? [] : best.seats.rosters.map(({ roster }) => roster);
  const rosters = distinct([view.roster, ...known]);
  const { members } = view.roster;
  // Nobody else could be named, to end a term that this member's own promise bars it from.
  const isSole = members.every(({ id }) => id === setup.self.member || view.revoked.includes(id));
  const alone = isSole && (office.stage === "barred" || isDisowned(replica, office));
  if (!alone && rosters.every((roster) => mayHaveQuorum(replica, office, roster))) return null;
  if (!rosters.every((roster) => haveAnswered(replica, roster))) return null;
  const boots = new Map(answered.map(({ boot }) => [boot.member, boot.bootKey]));
  return {
    kind: "cold-start",
    term: view.term,
    bootKeys: members.map(({ id }) => boots.get(id) ?? noBoot),
  };
}

function namesTheSame({ bootKeys }: ColdStart, { roster }: Office): boolean {
  return roster.members.every(({ bootKey }, position) => bootKey === bootKeys[position]);
}

/** True while the members that are normal or silent are a quorum. */
function mayHaveQuorum(replica: Replica, office: Office, roster: Roster): boolean {
  // Who has not seen the term yet may be normal in it: as a new member that registered is.
  const answered = heardLately(replica, roster, replica.setup.suspectAfterMs * 2);
  const forgetful = answered.filter(
    (standing) =>
      standing.viewTerm >= office.term &&
      (standing.status === "recovering" || isReplaced(replica, office, standing)),
  );
  const { length } = roster.members;
  const maybe = givesUpOnSilent(replica, office) ? answered.length : length;
  return maybe - forgetful.length >= quorumSize(length);
}

/** Break-glass: a member that is gone for good must not be waited for. */
function givesUpOnSilent({ setup, nowMs }: Replica, { sinceMs }: Office): boolean {
  const waitedMs = nowMs - sinceMs;
  return setup.coldStart === "majority" && waitedMs >= setup.suspectAfterMs * silencePatience;
}

function haveAnswered(replica: Replica, roster: Roster): boolean {
  const { setup } = replica;
  const { length } = roster.members;
  const needed = setup.coldStart === "all" ? length : quorumSize(length);
  return heardLately(replica, roster, setup.suspectAfterMs * 2).length >= needed;
}

/** By the greater of the two logs: a boot that is ahead of this replica may know better. */
function isReplaced(replica: Replica, office: Office, { boot, last }: Standing): boolean {
  const best = greatestKnown(replica, office);
  return (
    !isGreater(last, best.last) &&
    validBoot(best.seats, office.roster, boot.member) !== boot.bootKey
  );
}

/**
 * The log that the promises would have it adopt, were they of valid boots; else this replica's own,
 * which may hold what was never committed.
 */
function greatestKnown({ log, seats }: Replica, { judged }: Office) {
  return judged ?? { seats, last: log.last };
}

/** Orderly shutdown: the follower that lacks least takes over. */
export function onStepDown(replica: Replica): Step {
  const { office, view, setup } = replica;
  if (office === null || view === null || view.leader !== setup.self.member) return stay(replica);
  const successor = chooseSuccessor(replica, view, new Set([setup.self.member]));
  if (successor?.status !== "normal") return stay(replica);
  return emit(replica, {
    kind: "hand-over",
    term: office.term,
    successor: successor.boot.member,
  });
}
