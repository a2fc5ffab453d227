/** Taking office: promises, the log to adopt, the term-start (protocol.md, "Taking office"). */
import { missesAnchor, refuseRollback } from "./anchors.ts";
import { fetchFrom } from "./fetch.ts";
import { type Adopted, cutAfter, graft, refold } from "./graft.ts";
import type { Boot, MemberId } from "./ids.ts";
import { isGreater, type Position, positionAt } from "./log.ts";
import { marksIn } from "./marks.ts";
import type { Prepare, PromiseMade } from "./message.ts";
import { freshProgress } from "./progress.ts";
import { bind, refuseClaim } from "./promises.ts";
import { isAllOfEach, isQuorumOfEach } from "./quorum.ts";
import {
  andThen,
  emit,
  leaveOffice,
  type Office,
  type Replica,
  type Step,
  stay,
} from "./replica.ts";
import { appendOwn, isNamed } from "./replicate.ts";
import type { Roster } from "./roster.ts";
import { seatsAfter, settleRosters, validBoot } from "./seats.ts";
import type { View } from "./view.ts";

/** The contract names this replica leader of `view.term`. */
export function enterOffice(replica: Replica, view: View): Step {
  const { setup, nowMs, awakeMs } = replica;
  const claim = { leader: setup.self, term: view.term, rosterHash: view.roster.hash };
  // A restarted leader cannot resume its term: its disk's promise names its former boot.
  const barred = refuseClaim({ ...replica, view }, claim) !== null;
  const office: Office = {
    term: view.term,
    roster: view.roster,
    cold: view.coldTerm === view.term,
    stage: barred ? "barred" : "gathering",
    refusedBy: new Map(),
    disownedMs: null,
    sinceMs: nowMs,
    ledSinceMs: ledSince(replica, view),
    askedMs: nowMs,
    promises: new Map(),
    setAside: new Map(),
    fetch: null,
    judged: null,
    rollback: null,
    startIndex: 0,
    joint: [],
    progress: new Map(),
    round: 0,
    reading: null,
    readQueue: [],
    broadcastMs: nowMs,
    quorumAwakeMs: awakeMs,
    petitionedMs: Number.NEGATIVE_INFINITY,
    marks: { at: 0, covered: 0, unmarked: 0, sinceMs: nowMs },
    goal: { index: 0, sinceMs: nowMs },
  };
  return andThen(leaveOffice(replica), (free) => {
    const entered = { ...free, office };
    if (barred) return stay(entered);
    return andThen(andThen(bind(entered, claim), askAll), tryToAdopt);
  });
}

/** A change of members starts a new term of the same leader: it goes on leading. */
function ledSince({ office, nowMs }: Replica, view: View): number {
  const goesOn = office?.stage === "active" && office.term === view.term - 1;
  return goesOn ? office.ledSinceMs : nowMs;
}

/** Asks every live boot that has not promised yet. */
export function askAll(replica: Replica): Step {
  const { office } = replica;
  if (office === null) return stay(replica);
  const message: Prepare = {
    kind: "prepare",
    term: office.term,
    rosterHash: office.roster.hash,
  };
  const silent = [...replica.peers.values()].filter(
    ({ boot, connected }) => connected && !office.promises.has(boot.bootKey),
  );
  return emit(
    { ...replica, office: { ...office, askedMs: replica.nowMs } },
    ...silent.map(({ boot }) => ({ kind: "send", to: boot, message, after: "durable" }) as const),
  );
}

export function onPromise(replica: Replica, from: Boot, made: PromiseMade): Step {
  const { office } = replica;
  if (office === null || office.term !== made.term) return stay(replica);
  if (office.roster.hash !== made.rosterHash) return stay(replica);
  const promises = new Map(office.promises).set(from.bootKey, { from, made });
  return tryToAdopt({ ...replica, office: { ...office, promises } });
}

type Candidate = { readonly from: Boot; readonly last: Position; readonly commitIndex: number };

/** Step 3: with promises enough, adopt the greatest log among them. */
export function tryToAdopt(replica: Replica): Step {
  const { office } = replica;
  if (office === null || office.stage !== "gathering") return stay(replica);
  const candidates = promisesThatCount(replica, office);
  const members = new Set(candidates.map(({ from }) => from.member));
  // A first count by member; step 4 judges the boots by the log that this one finds.
  if (!isEnough(replica, office, [office.roster], members)) return stay(replica);
  const { from, last } = candidates.reduce((a, b) => (isGreater(b.last, a.last) ? b : a));
  if (last.term >= office.term) {
    return stay({ ...replica, office: { ...office, stage: "barred" } });
  }
  // Every quorum of valid boots holds what is committed: some of these are not valid.
  if (last.index < replica.commitIndex) return stay(replica);
  if (last.index === 0 && !mayBeginEmpty(replica, office)) return stay(replica);
  if (positionAt(replica.log, last.index)?.hash === last.hash) {
    return startTerm(replica, candidates, { last, entries: [] });
  }
  const fetched = office.fetch?.entries ?? [];
  return fetched.at(-1)?.hash === last.hash
    ? startTerm(replica, candidates, { last, entries: fetched })
    : fetchFrom(replica, office, { from, last });
}

function promisesThatCount(replica: Replica, office: Office): readonly Candidate[] {
  const { setup, status, log, commitIndex, durable } = replica;
  const made = [...office.promises.values()]
    .filter(({ from }) => !office.setAside.has(from.bootKey))
    .map(({ from, made: { status: theirs, last, commitIndex: known } }) => ({
      from,
      last,
      commitIndex: known,
      status: theirs,
    }));
  if (durable.promisedTerm >= office.term) {
    made.push({ from: setup.self, last: log.last, commitIndex, status });
  }
  return made.filter(({ from, status: theirs }) =>
    office.cold ? isNamed(office, from) : theirs === "normal",
  );
}

/** A cold start needs all, unless it was allowed to give up on the silent ones. */
function isEnough(
  { setup }: Replica,
  { cold }: Office,
  rosters: readonly Roster[],
  members: ReadonlySet<MemberId>,
): boolean {
  return cold && setup.coldStart === "all"
    ? isAllOfEach(rosters, members)
    : isQuorumOfEach(rosters, members);
}

/**
 * Members change only under an active leader, so any later roster has a log to adopt. And a genesis
 * that the chain took back may have been another one, whose members committed something.
 */
function mayBeginEmpty({ view }: Replica, { cold, roster }: Office): boolean {
  return cold || (view?.settled === true && roster.members.length === view.genesisSize);
}

/**
 * Steps 4 and 4b: only boots that the adopted log finds valid count, in each roster that matters.
 * The log itself changes only once they are enough: until then the promises may be those of stale
 * clones, and this replica's own suffix may be what a cold start needs.
 */
function startTerm(
  replica: Replica,
  candidates: readonly Candidate[],
  { last, entries }: Adopted,
): Step {
  const { office, commitIndex } = replica;
  if (office === null) return stay(replica);
  const base = (entries[0]?.index ?? last.index + 1) - 1;
  const seats = seatsAfter(refold(replica, base), entries);
  const known = Math.max(commitIndex, ...candidates.map((candidate) => candidate.commitIndex));
  const joint = distinct([
    office.roster,
    ...settleRosters(seats, Math.min(known, last.index)).rosters.map(({ roster }) => roster),
  ]);
  const valid = candidates.filter(
    ({ from }) => office.cold || validBoot(seats, office.roster, from.member) === from.bootKey,
  );
  const members = new Set<MemberId>(valid.map(({ from }) => from.member));
  if (!isEnough(replica, office, joint, members)) {
    return stay({ ...replica, office: { ...office, judged: { seats, last, joint } } });
  }
  const rollback = office.cold ? missesAnchor(replica, { last, entries }) : null;
  if (rollback !== null) return refuseRollback(replica, office, rollback);

  const adopted = entries.length > 0 ? graft(replica, entries) : cutAfter(replica, last.index);
  return andThen(adopted, (holding) => {
    const started = { ...holding, office: startedOffice(holding, office, joint) };
    return appendOwn(started, [{ kind: "term-start", roster: office.roster, cold: office.cold }]);
  });
}

function startedOffice(replica: Replica, office: Office, joint: readonly Roster[]): Office {
  const { nowMs, awakeMs, log } = replica;
  const connected = [...replica.peers.values()].filter((peer) => peer.connected);
  return {
    ...office,
    stage: "starting",
    fetch: null,
    judged: null,
    startIndex: log.last.index + 1,
    joint,
    rollback: null,
    marks: marksIn(log, nowMs),
    progress: new Map(connected.map((peer) => [peer.boot.bootKey, freshProgress(replica, peer)])),
    broadcastMs: nowMs,
    quorumAwakeMs: awakeMs,
  };
}

export function distinct(rosters: readonly Roster[]): Roster[] {
  return [...new Map(rosters.map((roster) => [roster.hash, roster])).values()];
}
