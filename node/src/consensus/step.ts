/**
 * The one function: advances a replica by one input.
 *
 * Pure: equal arguments give equal results. See protocol.md for the rules; the handlers' files are
 * named for the protocol's parts.
 */
import { mayBeAdmitted, settleStatus } from "./commit.ts";
import { doubtTick, onConfidence, onNewTerm, onNoConfidence, onVoteSigned } from "./confidence.ts";
import type { Body } from "./entry.ts";
import { onFetched, onFetchFailed } from "./fetch.ts";
import { onAppend } from "./follow.ts";
import type { Boot } from "./ids.ts";
import type { Input, Persisted, Tick } from "./input.ts";
import type { Message, RejoinRequest } from "./message.ts";
import { enterOffice, onPromise, tryToAdopt } from "./office.ts";
import {
  forgetSilentPeers,
  heard,
  onConnected,
  onDisconnected,
  onReport,
  reportToAll,
} from "./peers.ts";
import { onFetch, onPrepare } from "./promises.ts";
import { confirmRound, onRead } from "./reads.ts";
import {
  andThen,
  emit,
  leaveOffice,
  type Office,
  type Replica,
  type Step,
  stay,
} from "./replica.ts";
import { advanceCommit, appendOwn, broadcast, onAck, onPropose, onReject } from "./replicate.ts";
import { memberOf } from "./roster.ts";
import { forgetUnfounded } from "./stranded.ts";
import { officeTick, onStepDown } from "./tenure.ts";
import { onSnapshotAck, onSnapshotChunk, onStateCaptured } from "./transfer.ts";
import { onRefusal } from "./unwelcome.ts";
import type { View } from "./view.ts";
import { noteAnchor, onCheckpointSigned, onVouch, vouchTick } from "./vouchers.ts";

export function step(replica: Replica, input: Input): Step {
  switch (input.kind) {
    case "tick":
      return onTick(replica, input);
    case "view":
      return onView(replica, input.view);
    case "registered":
      return stay(admitSelf({ ...replica, registered: true }));
    case "attested":
      return stay({ ...replica, refused: new Set(input.refused) });
    case "connected":
      return onConnected(replica, input.boot);
    case "disconnected":
      return onDisconnected(replica, input.boot);
    case "received":
      return onMessage(heard(replica, input.from), input.from, input.message);
    case "propose":
      return onPropose(replica, input);
    case "read":
      return onRead(replica, input);
    case "persisted":
      return onPersisted(replica, input);
    case "state-captured":
      return onStateCaptured(replica, input);
    case "state-hashed":
      return stay({ ...replica, hashed: { index: input.index, stateHash: input.stateHash } });
    case "checkpoint-signed":
      return onCheckpointSigned(replica, input.voucher);
    case "vote-signed":
      return onVoteSigned(replica, input.vote);
    case "step-down":
      return onStepDown(replica);
    default:
      return input satisfies never;
  }
}

function onMessage(replica: Replica, from: Boot, message: Message): Step {
  switch (message.kind) {
    case "report":
      return onReport(replica, from, message);
    case "prepare":
      return onPrepare(replica, from, message);
    case "promise":
      return settleOffice(onPromise(replica, from, message));
    case "refusal":
      return onRefusal(replica, from, message);
    case "fetch":
      return onFetch(replica, from, message);
    case "fetched":
      return settleOffice(andThen(onFetched(replica, from, message), tryToAdopt));
    case "fetch-failed":
      return settleOffice(andThen(onFetchFailed(replica, from, message), tryToAdopt));
    case "append":
      return onAppend(replica, from, message);
    case "ack":
      return settleOffice(onAck(replica, from, message));
    case "reject":
      return settleOffice(onReject(replica, from, message));
    case "snapshot-chunk":
      return onSnapshotChunk(replica, from, message);
    case "snapshot-ack":
      return onSnapshotAck(replica, from, message);
    case "rejoin-request":
      return onRejoinRequest(replica, from, message);
    case "no-confidence":
      return onNoConfidence(replica, from, message);
    case "confidence":
      return onConfidence(replica, from, message);
    case "vouch":
      return onVouch(replica, from, message);
    default:
      return message satisfies never;
  }
}

/**
 * Of a longer gap between two ticks, the rest was this replica's own absence: its machine stood still,
 * or was starved. What others said meanwhile is yet to be read, so that it is no silence of theirs.
 */
const gapsInSuspicionTime = 4;

function onTick(replica: Replica, { monotonicMs, wallMs }: Tick): Step {
  const { setup, nowMs, awakeMs } = replica;
  const thereMs = Math.min(monotonicMs - nowMs, setup.suspectAfterMs / gapsInSuspicionTime);
  const now = forgetSilentPeers({
    ...replica,
    nowMs: monotonicMs,
    awakeMs: awakeMs + thereMs,
    wallMs,
  });
  const due = monotonicMs - now.reportedMs >= now.setup.suspectAfterMs / 4;
  return andThen(
    andThen(due ? reportToAll(now) : stay(now), (told) => settleOffice(officeTick(told))),
    (led) => andThen(doubtTick(led), vouchTick),
  );
}

function onView(before: Replica, view: View): Step {
  const replica = forgetUnfounded(before, view);
  const known = replica.view;
  const sameTerm = known?.term === view.term && known.roster.hash === view.roster.hash;
  const seen = admitSelf(onNewTerm({ ...noteAnchor(replica, view), view }, view.term));
  const { office, setup } = seen;
  const named = view.leader === setup.self.member && view.term > 0;
  if (named && (office === null || office.term < view.term || isUnfounded(office, view))) {
    return andThen(settleOffice(enterOffice(seen, view)), (entered) =>
      andThen(reportToAll(entered), takeUpHeld),
    );
  }
  const over = office !== null && office.term < view.term;
  const kept = over ? leaveOffice(seen) : stay(noteDisowned(seen, view));
  return andThen(andThen(kept, takeUpHeld), (after) =>
    sameTerm ? stay(after) : reportToAll(after),
  );
}

/**
 * Named by what the chain took back, or what an endpoint made up, and never elected: what the chain
 * does show needs an office, if only to ask for its end.
 */
function isUnfounded({ term, roster, stage }: Office, view: View): boolean {
  if (stage === "starting" || stage === "active") return false;
  return term > view.term || (term === view.term && roster.hash !== view.roster.hash);
}

/** Elected for a term, or by a roster, that the contract then took back: see tenure.ts. */
function noteDisowned(replica: Replica, view: View): Replica {
  const { office, nowMs } = replica;
  if (office === null) return replica;
  const disowned = view.term < office.term || view.roster.hash !== office.roster.hash;
  if (disowned === (office.disownedMs !== null)) return replica;
  return { ...replica, office: { ...office, disownedMs: disowned ? nowMs : null } };
}

/** A boot that registered never forgot anything: on the roster, it is normal at once. */
function admitSelf(replica: Replica): Replica {
  const { registered, view, setup, status } = replica;
  if (!registered || view === null || status === "normal") return replica;
  const listed = memberOf(view.roster, setup.self.member)?.bootKey === setup.self.bootKey;
  return listed && mayBeAdmitted(replica) ? { ...replica, status: "normal" } : replica;
}

/** The view is fresher now: a word that waited for it is heard again, once. */
function takeUpHeld(replica: Replica): Step {
  const { held, view } = replica;
  if (held === null || view === null || view.term < held.message.term) return stay(replica);
  const free = { ...replica, held: null };
  return onMessage(free, held.from, held.message);
}

function onPersisted(replica: Replica, { promisedTerm, lastIndex, lastHash }: Persisted): Step {
  const durable = { promisedTerm, lastIndex, lastHash };
  return settleOffice(andThen(tryToAdopt({ ...replica, durable }), advanceCommit));
}

/** One rejoin a key: a key that the log named before is an old boot asking again. */
function onRejoinRequest(replica: Replica, from: Boot, { term }: RejoinRequest): Step {
  const { office, seats } = replica;
  if (office?.stage !== "active" || office.term !== term) return stay(replica);
  if (memberOf(office.roster, from.member) === undefined) return stay(replica);
  if (seats.named.has(from.bootKey)) return stay(replica);
  return appendOwn(replica, [{ kind: "rejoin", member: from.member, bootKey: from.bootKey }]);
}

/** What becomes true of a leader once its term-start is committed, and of its waiting reads. */
function settleOffice(step: Step): Step {
  return andThen(andThen(step, activate), confirmRound);
}

function activate(replica: Replica): Step {
  const { office, commitIndex, setup, seats } = replica;
  if (office?.stage !== "starting" || commitIndex < office.startIndex) return stay(replica);
  const active = settleStatus({
    ...replica,
    office: { ...office, stage: "active", joint: [office.roster], quorumAwakeMs: replica.awakeMs },
  });
  const first: Body[] = [];
  if (active.status === "recovering" && !seats.named.has(setup.self.bootKey)) {
    first.push({ kind: "rejoin", member: setup.self.member, bootKey: setup.self.bootKey });
  }
  // Shows at once that the change of members is committed: until then those who went are needed.
  if (office.joint.length > 1) first.push({ kind: "mark" });
  const note = emit(active, {
    kind: "note",
    severity: "info",
    event: "took-office",
    detail: { term: office.term, startIndex: office.startIndex, cold: office.cold },
  });
  return andThen(andThen(note, broadcast), (told) =>
    first.length > 0 ? appendOwn(told, first) : stay(told),
  );
}
