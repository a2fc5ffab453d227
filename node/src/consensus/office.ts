/** Taking office: promises, the log to adopt, the term-start (protocol.md, "Taking office"). */
import type { Entry } from "./entry.ts";
import { cutAfter, graft, refold } from "./graft.ts";
import type { Boot, MemberId } from "./ids.ts";
import { batchAfter, isGreater, type Position, positionAt } from "./log.ts";
import type { Fetch, Fetched, FetchFailed, Prepare, PromiseMade, Refusal } from "./message.ts";
import { freshProgress } from "./progress.ts";
import { bind, refuseClaim } from "./promises.ts";
import { isQuorumOfEach, quorumSize } from "./quorum.ts";
import {
  andThen,
  emit,
  leaveOffice,
  type Office,
  type Replica,
  type Step,
  stay,
} from "./replica.ts";
import { appendOwn } from "./replicate.ts";
import { memberOf, type Roster } from "./roster.ts";
import { seatsAfter, settleRosters, validBoot } from "./seats.ts";
import type { View } from "./view.ts";

/** The contract names this replica leader of `view.term`. */
export function enterOffice(replica: Replica, view: View): Step {
  const { setup, nowMs } = replica;
  const claim = { leader: setup.self, term: view.term, rosterHash: view.roster.hash };
  // A restarted leader cannot resume its term: its disk's promise names its former boot.
  const barred = refuseClaim({ ...replica, view }, claim) !== null;
  const office: Office = {
    term: view.term,
    roster: view.roster,
    cold: view.coldTerm === view.term,
    stage: barred ? "barred" : "gathering",
    unwelcome: false,
    disownedMs: null,
    sinceMs: nowMs,
    askedMs: nowMs,
    promises: new Map(),
    setAside: new Set(),
    fetch: null,
    startIndex: 0,
    joint: [],
    progress: new Map(),
    round: 0,
    reading: null,
    readQueue: [],
    broadcastMs: nowMs,
    quorumMs: nowMs,
    petitionedMs: Number.NEGATIVE_INFINITY,
  };
  return andThen(leaveOffice(replica), (free) => {
    const entered = { ...free, office };
    if (barred) return stay(entered);
    return andThen(andThen(bind(entered, claim), askAll), tryToAdopt);
  });
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

/**
 * Refused for a higher term or for another boot of its own: this term cannot be led any more, or
 * not for that member. The next tick hands over.
 */
export function onRefusal(replica: Replica, refusal: Refusal): Step {
  const { office } = replica;
  if (office === null || office.term !== refusal.term) return stay(replica);
  const overtaken = refusal.promisedTerm > office.term;
  if (!overtaken && refusal.reason !== "other-boot-promised") return stay(replica);
  const serves = office.stage === "starting" || office.stage === "active";
  const marked: Office = serves
    ? { ...office, unwelcome: true }
    : { ...office, stage: "barred", fetch: null };
  return emit({ ...replica, office: marked }, { kind: "refresh-view" });
}

type Candidate = { readonly from: Boot; readonly last: Position; readonly commitIndex: number };

/** Step 3: with promises enough, adopt the greatest log among them. */
export function tryToAdopt(replica: Replica): Step {
  const { office } = replica;
  if (office === null || office.stage !== "gathering") return stay(replica);
  const candidates = promisesThatCount(replica, office);
  if (!isEnough(replica, office, candidates)) return stay(replica);
  const { from, last } = candidates.reduce((a, b) => (isGreater(b.last, a.last) ? b : a));
  if (last.term >= office.term) {
    return stay({ ...replica, office: { ...office, stage: "barred" } });
  }
  // Every quorum of valid boots holds what is committed: some of these are not valid.
  if (last.index < replica.commitIndex) return stay(replica);
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
    office.cold
      ? memberOf(office.roster, from.member)?.bootKey === from.bootKey
      : theirs === "normal",
  );
}

/** A first count by member; step 4 judges the boots by the log that this one finds. */
function isEnough({ setup }: Replica, office: Office, candidates: readonly Candidate[]): boolean {
  const members = new Set(candidates.map(({ from }) => from.member));
  if (!office.cold) return isQuorumOfEach([office.roster], members);
  const { length } = office.roster.members;
  return members.size >= (setup.coldStart === "all" ? length : quorumSize(length));
}

/** Asks for all that follows this replica's commit index: up to there, every log is the same. */
function fetchFrom(
  replica: Replica,
  office: Office,
  { from, last }: Pick<Candidate, "from" | "last">,
): Step {
  const fetch = { from, target: last, entries: [], sentMs: replica.nowMs };
  return ask({ ...replica, office: { ...office, stage: "fetching", fetch } });
}

function ask(replica: Replica): Step {
  const { office, nowMs } = replica;
  const after = fetchedUpTo(replica);
  if (office?.fetch == null || after === null) return stay(replica);
  const message: Fetch = { kind: "fetch", term: office.term, after };
  const asked = { ...office, fetch: { ...office.fetch, sentMs: nowMs } };
  return emit(
    { ...replica, office: asked },
    { kind: "send", to: office.fetch.from, message, after: "durable" },
  );
}

function fetchedUpTo({ office, log, commitIndex }: Replica): Position | null {
  const newest = office?.fetch?.entries.at(-1);
  if (newest === undefined) return positionAt(log, commitIndex);
  return { index: newest.index, term: newest.term, hash: newest.hash };
}

/** A promise's log, read out to the leader that it was made to. */
export function onFetch(replica: Replica, from: Boot, { term, after }: Fetch): Step {
  const { promised, log, setup } = replica;
  if (promised?.term !== term || promised.leaderBootKey !== from.bootKey) return stay(replica);
  const has = positionAt(log, after.index)?.hash === after.hash;
  const message: Fetched | FetchFailed = has
    ? {
        kind: "fetched",
        term,
        after,
        entries: batchAfter(log, after.index, setup.batchBytesMax),
      }
    : { kind: "fetch-failed", term };
  return emit(replica, { kind: "send", to: from, message, after: "durable" });
}

export function onFetched(replica: Replica, from: Boot, { term, after, entries }: Fetched): Step {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.fetch === null) return stay(replica);
  if (office.term !== term || office.fetch.from.bootKey !== from.bootKey) return stay(replica);
  if (fetchedUpTo(replica)?.hash !== after.hash) return stay(replica);
  const { target } = office.fetch;
  const last = entries.at(-1);
  if (last === undefined) return setAsideFetched(replica);
  const fetch = { ...office.fetch, entries: [...office.fetch.entries, ...entries] };
  const more = { ...replica, office: { ...office, fetch } };
  if (last.index < target.index) return ask(more);
  return last.hash === target.hash
    ? tryToAdopt({ ...more, office: { ...more.office, stage: "gathering" } })
    : setAsideFetched(more);
}

export function onFetchFailed(replica: Replica, from: Boot, { term }: FetchFailed): Step {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.term !== term) return stay(replica);
  return office.fetch?.from.bootKey === from.bootKey ? setAsideFetched(replica) : stay(replica);
}

/** A log that cannot be fetched any more is left out, if a quorum remains without its promise. */
export function setAsideFetched(replica: Replica): Step {
  const { office } = replica;
  if (office?.stage !== "fetching" || office.fetch === null) return stay(replica);
  const setAside = new Set(office.setAside).add(office.fetch.from.bootKey);
  const again: Office = { ...office, stage: "gathering", fetch: null, setAside };
  return tryToAdopt({ ...replica, office: again });
}

type Adopted = { readonly last: Position; readonly entries: readonly Entry[] };

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
  const base = entries.length > 0 ? commitIndex : last.index;
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
  if (!office.cold && !isQuorumOfEach(joint, members)) return stay(replica);

  const adopted = entries.length > 0 ? graft(replica, entries) : cutAfter(replica, last.index);
  return andThen(adopted, (holding) => {
    const started = { ...holding, office: startedOffice(holding, office, joint) };
    return appendOwn(started, [{ kind: "term-start", roster: office.roster, cold: office.cold }]);
  });
}

function startedOffice(replica: Replica, office: Office, joint: readonly Roster[]): Office {
  const { nowMs, log } = replica;
  const connected = [...replica.peers.values()].filter((peer) => peer.connected);
  return {
    ...office,
    stage: "starting",
    fetch: null,
    startIndex: log.last.index + 1,
    joint,
    progress: new Map(connected.map((peer) => [peer.boot.bootKey, freshProgress(replica, peer)])),
    broadcastMs: nowMs,
    quorumMs: nowMs,
  };
}

function distinct(rosters: readonly Roster[]): Roster[] {
  return [...new Map(rosters.map((roster) => [roster.hash, roster])).values()];
}
