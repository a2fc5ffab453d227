/** A follower's side of replication, and how a recovering boot comes to count again. */
import { commitTo, settleStatus } from "./commit.ts";
import type { Effect } from "./effect.ts";
import { contradiction, graft } from "./graft.ts";
import type { Boot } from "./ids.ts";
import { positionAt } from "./log.ts";
import type { Append } from "./message.ts";
import { bind, hold, refuseClaim } from "./promises.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";
import { refuseAppend } from "./stranded.ts";

export function onAppend(replica: Replica, from: Boot, message: Append): Step {
  const claim = { leader: from, term: message.term, rosterHash: message.rosterHash };
  const refusal = refuseClaim(replica, claim);
  if (refusal === "behind") return hold(replica, from, message);
  if (refusal !== null) return refuseAppend(replica, from, message, refusal);

  // Accepting an append binds like a promise; a recovering boot is bound too, for a cold start.
  return andThen(
    andThen(bind(replica, claim), (bound) => hear(bound, from, message)),
    (heard) => take(heard, from, message),
  );
}

/** Notes a sign of life from the leader; a boot that has not rejoined yet asks to. */
export function hear(
  replica: Replica,
  from: Boot,
  { term, active }: { term: Append["term"]; active: boolean },
): Step {
  const { nowMs, awakeMs, setup } = replica;
  const known = replica.following?.leader.bootKey === from.bootKey ? replica.following : null;
  const askedMs = known?.term === term ? known.rejoinAskedMs : Number.NEGATIVE_INFINITY;
  const ask = active && needsRejoin(replica) && nowMs - askedMs >= setup.heartbeatMs * 2;
  const following = {
    term,
    leader: from,
    active,
    goesOn: !active && known !== null && (known.active || known.goesOn),
    heardMs: nowMs,
    heardAwakeMs: awakeMs,
    rejoinAskedMs: ask ? nowMs : askedMs,
  };
  const effects: Effect[] = ask
    ? [{ kind: "send", to: from, message: { kind: "rejoin-request", term }, after: "durable" }]
    : [];
  return { replica: { ...replica, following, strandedMs: null }, effects };
}

function needsRejoin({ seats, setup, status, view }: Replica): boolean {
  const { member, bootKey } = setup.self;
  const isMember = view !== null && memberOf(view.roster, member) !== undefined;
  return isMember && status === "recovering" && !seats.named.has(bootKey);
}

function take(replica: Replica, from: Boot, message: Append): Step {
  const { previous, entries, commitIndex } = message;
  const mine = positionAt(replica.log, previous.index);
  if (mine === null && previous.index > replica.log.last.index) {
    return reject(replica, from, message, replica.log.last.index);
  }
  if (mine !== null && mine.hash !== previous.hash) {
    if (previous.index <= replica.commitIndex) return contradiction(replica, previous.index);
    return reject(replica, from, message, replica.commitIndex);
  }
  if (mine === null && previous.index + entries.length <= replica.log.before.index) {
    return reject(replica, from, message, replica.commitIndex);
  }
  const matchIndex = previous.index + entries.length;
  const grafted = graft(replica, entries);
  if (grafted.effects.some(({ kind }) => kind === "halt")) return grafted;
  return andThen(
    andThen(grafted, (holding) => commitTo(holding, Math.min(commitIndex, matchIndex))),
    (done) => acknowledge(done, from, message, matchIndex),
  );
}

/** Durable before the ack: the ack is a `durable` send behind the persist of `graft`. */
function acknowledge(replica: Replica, from: Boot, message: Append, matchIndex: number): Step {
  const settled = settleStatus(replica);
  const at = positionAt(settled.log, matchIndex);
  if (at === null) return stay(settled);
  return emit(settled, {
    kind: "send",
    to: from,
    after: "durable",
    message: {
      kind: "ack",
      term: message.term,
      status: settled.status,
      matchIndex,
      matchHash: at.hash,
      round: message.round,
    },
  });
}

function reject(replica: Replica, to: Boot, { term, round }: Append, hint: number): Step {
  return emit(replica, {
    kind: "send",
    to,
    after: "durable",
    message: { kind: "reject", term, status: replica.status, hint, round },
  });
}
