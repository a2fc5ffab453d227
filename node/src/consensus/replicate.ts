/** The leader's side of replication: pipelined appends, acks, and the commit rule. */

import { markingDue } from "./checkpoints.ts";
import { commitTo } from "./commit.ts";
import type { Effect } from "./effect.ts";
import { type Body, makeEntry } from "./entry.ts";
import type { Boot, BootKey, MemberId } from "./ids.ts";
import type { Propose } from "./input.ts";
import { append, batchAfter, entryAt, positionAt } from "./log.ts";
import { marksAfter } from "./marks.ts";
import type { Ack, Append, Reject, Status } from "./message.ts";
import { indexHeldByAll, indexHeldByQuorum } from "./quorum.ts";
import {
  andThen,
  emit,
  type Office,
  type Progress,
  type Replica,
  type Step,
  stay,
  withProgress,
} from "./replica.ts";
import { memberOf } from "./roster.ts";
import { seatsAfter, validBoot } from "./seats.ts";
import { sendSnapshot } from "./transfer.ts";
import { noteWelcome } from "./unwelcome.ts";

export function onPropose(replica: Replica, { commands, wallMs }: Propose): Step {
  const tickets = commands.map(({ ticket }) => ticket);
  if (replica.office?.stage !== "active") return emit(replica, { kind: "declined", tickets });
  const firstIndex = replica.log.last.index + 1;
  const bodies = commands.map(({ payload }) => ({ kind: "command", payload }) as const);
  const marking = markingDue(replica);
  return andThen(
    emit(marking.replica, { kind: "appended", tickets, firstIndex, term: replica.office.term }),
    (noted) => appendOwn({ ...noted, wallMs }, [...bodies, ...marking.bodies]),
  );
}

/** Marks and checkpoints that no command took along. */
export function markTick(replica: Replica): Step {
  const marking = markingDue(replica);
  return marking.bodies.length > 0
    ? appendOwn(marking.replica, marking.bodies)
    : stay(marking.replica);
}

/** Appends entries of the leader's own term. They are sent before they are durable here: only the
 *  leader's own count waits for its disk. */
export function appendOwn(replica: Replica, bodies: readonly Body[]): Step {
  const { office, setup, wallMs, log } = replica;
  if (office === null) return stay(replica);
  let { hash, index } = log.last;
  const entries = bodies.map((body) => {
    index += 1;
    const entry = makeEntry({ index, term: office.term, timeMs: wallMs }, body, hash, setup.digest);
    hash = entry.hash;
    return entry;
  });
  const seats = seatsAfter(replica.seats, entries);
  const marks = marksAfter(office.marks, entries, replica.nowMs);
  const grown = { ...replica, log: append(log, entries), seats, office: { ...office, marks } };
  return andThen(pushAll(grown), (pushed) =>
    emit(pushed, {
      kind: "persist",
      writes: [{ kind: "entries", after: log.last.index, entries }],
    }),
  );
}

/** Sends what is new to every follower that streams. */
export function pushAll(replica: Replica): Step {
  return eachFollower(
    replica,
    (follower) => follower.mode === "stream" && mayTakeMore(replica, follower),
  );
}

function mayTakeMore({ setup }: Replica, { transfer, inFlight }: Progress): boolean {
  return transfer === null && inFlight.length < setup.batchesInFlightMax;
}

/** A sign of life to every follower, with whatever it lacks. Carries the round of confirmation. */
export function broadcast(replica: Replica): Step {
  if (replica.office === null) return stay(replica);
  const office = { ...replica.office, broadcastMs: replica.nowMs };
  return eachFollower({ ...replica, office }, () => true);
}

function eachFollower(replica: Replica, wanted: (progress: Progress) => boolean): Step {
  const { office } = replica;
  if (office === null) return stay(replica);
  const progress = new Map(office.progress);
  const effects: Effect[] = [];
  for (const [key, follower] of office.progress) {
    if (!wanted(follower)) continue;
    const { next, message } = nextAppend(replica, office, follower);
    progress.set(key, next);
    effects.push({ kind: "send", to: follower.boot, message, after: "now" });
  }
  return { replica: { ...replica, office: { ...office, progress } }, effects };
}

/** What to say to this follower now; an empty append when its window is full or it has all. */
function nextAppend(replica: Replica, office: Office, follower: Progress) {
  const { log, setup, nowMs } = replica;
  const sent = follower.nextIndex - 1;
  const previous = positionAt(log, sent) ?? log.last;
  const fits = previous.index === sent;
  const open = fits && mayTakeMore(replica, follower);
  const entries = open ? batchAfter(log, sent, setup.batchBytesMax) : [];
  const message: Append = {
    kind: "append",
    term: office.term,
    rosterHash: office.roster.hash,
    previous,
    entries,
    commitIndex: replica.commitIndex,
    round: office.round,
    active: office.stage === "active",
  };
  if (entries.length === 0 || follower.mode === "probe") return { next: follower, message };
  const nextIndex = follower.nextIndex + entries.length;
  const inFlight = [...follower.inFlight, nextIndex - 1];
  return { next: { ...follower, nextIndex, inFlight, sentMs: nowMs }, message };
}

export function onAck(before: Replica, from: Boot, ack: Ack): Step {
  const replica = before.office?.term === ack.term ? noteWelcome(before, from) : before;
  const { office, log } = replica;
  const known = office?.progress.get(from.bootKey);
  if (office === null || known === undefined || ack.term !== office.term) return stay(replica);
  const mine = positionAt(log, ack.matchIndex);
  const compacted = ack.matchIndex < log.before.index;
  if (mine === null ? !compacted : mine.hash !== ack.matchHash) return stay(replica);
  const matchIndex = Math.max(known.matchIndex, ack.matchIndex);
  const progress: Progress = {
    ...known,
    status: ack.status,
    matchIndex,
    nextIndex: Math.max(known.nextIndex, matchIndex + 1),
    mode: "stream",
    inFlight: known.inFlight.filter((end) => end > matchIndex),
    round: Math.max(known.round, ack.round),
    ackedMs: replica.nowMs,
    transfer:
      known.transfer !== null && matchIndex >= known.transfer.snapshot.at.index
        ? null
        : known.transfer,
  };
  return andThen(advanceCommit(withProgress(replica, office, progress)), (advanced) =>
    catchUp(advanced, from.bootKey),
  );
}

export function onReject(replica: Replica, from: Boot, reject: Reject): Step {
  const { office, log } = replica;
  const known = office?.progress.get(from.bootKey);
  if (office === null || known === undefined || reject.term !== office.term) return stay(replica);
  const heard: Progress = {
    ...known,
    status: reject.status,
    round: Math.max(known.round, reject.round),
    ackedMs: replica.nowMs,
  };
  if (known.transfer !== null) return stay(withProgress(replica, office, heard));
  const hint = Math.max(Math.min(reject.hint, log.last.index), known.matchIndex);
  const back = { ...heard, mode: "probe" as const, nextIndex: hint + 1, inFlight: [] };
  const stepped = withProgress(replica, office, back);
  if (hint < log.before.index) return sendSnapshot(stepped, from.bootKey);
  return sendOne(stepped, from.bootKey);
}

/** After an ack: the next batch at once, if the follower still lacks any. */
function catchUp(replica: Replica, key: BootKey): Step {
  const follower = replica.office?.progress.get(key);
  if (follower === undefined || follower.transfer !== null) return stay(replica);
  if (follower.nextIndex - 1 < replica.log.before.index) return sendSnapshot(replica, key);
  const lacks = follower.nextIndex <= replica.log.last.index && mayTakeMore(replica, follower);
  return lacks ? sendOne(replica, key) : stay(replica);
}

export function sendOne(replica: Replica, key: BootKey): Step {
  const { office } = replica;
  const follower = office?.progress.get(key);
  if (office === null || follower === undefined) return stay(replica);
  const { next, message } = nextAppend(replica, office, follower);
  return emit(withProgress(replica, office, next), {
    kind: "send",
    to: follower.boot,
    message,
    after: "now",
  });
}

/**
 * Commits what a quorum of valid, normal boots holds durably, if it is of the leader's own term
 * (Raft §5.4.2: older entries are committed only along with one of them).
 */
export function advanceCommit(replica: Replica): Step {
  const { office } = replica;
  if (office === null || (office.stage !== "starting" && office.stage !== "active")) {
    return stay(replica);
  }
  const reached = reachedBy(replica, office);
  const rosters = office.stage === "starting" ? office.joint : [office.roster];
  const held = mustHoldAll(replica, office)
    ? indexHeldByAll(rosters, reached)
    : indexHeldByQuorum(rosters, reached);
  if (held <= replica.commitIndex || entryAt(replica.log, held)?.term !== office.term) {
    return stay(replica);
  }
  return commitTo(replica, held);
}

/** A cold term-start is committed once ALL members hold it, by the boots that it names. */
export function mustHoldAll({ setup }: Replica, office: Office): boolean {
  return office.cold && office.stage === "starting" && setup.coldStart === "all";
}

/** Highest index each member holds, counting only boots that speak for their member. */
function reachedBy(replica: Replica, office: Office): ReadonlyMap<MemberId, number> {
  const reached = new Map<MemberId, number>();
  for (const { boot, status, matchIndex } of office.progress.values()) {
    if (counts(replica, office, boot, status)) reached.set(boot.member, matchIndex);
  }
  const { self } = replica.setup;
  if (counts(replica, office, self, replica.status)) {
    reached.set(self.member, durableMatch(replica));
  }
  return reached;
}

/**
 * True when `boot` may be counted for its member: it is normal and the log names it. A rejoined boot
 * is normal only once it knows its rejoin to be committed, so none counts for its own; and it may
 * know so before a new leader does. While a cold start is under way, the boots that it names count.
 */
export function counts(replica: Replica, office: Office, boot: Boot, status: Status): boolean {
  const { member, bootKey } = boot;
  if (office.cold && office.stage === "starting") return isNamed(office, boot);
  return status === "normal" && validBoot(replica.seats, office.roster, member) === bootKey;
}

/**
 * In a cold start: by the contract; of a member that only an earlier roster lists, which the
 * contract can no longer name, any boot will do.
 */
export function isNamed({ roster }: Office, { member, bootKey }: Boot): boolean {
  const listed = memberOf(roster, member);
  return listed === undefined || listed.bootKey === bootKey;
}

/** What this leader's own disk holds of its log. */
function durableMatch({ durable, log }: Replica): number {
  return positionAt(log, durable.lastIndex)?.hash === durable.lastHash ? durable.lastIndex : 0;
}
