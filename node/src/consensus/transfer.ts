/** Snapshots for followers whose next entry is no longer in the leader's log. */
import { endIfReplaced, settleStatus } from "./commit.ts";
import type { Write } from "./effect.ts";
import { hear } from "./follow.ts";
import { refold } from "./graft.ts";
import type { Boot, BootKey } from "./ids.ts";
import type { StateCaptured } from "./input.ts";
import { append, between, compact, type Log, logAfter, positionAt } from "./log.ts";
import type { SnapshotAck, SnapshotChunk } from "./message.ts";
import { bind, refuseClaim, sayNo } from "./promises.ts";
import {
  andThen,
  emit,
  type Incoming,
  type Replica,
  type Step,
  stay,
  withProgress,
} from "./replica.ts";
import { openSeats, seatsAfter, settleRosters } from "./seats.ts";
import type { Snapshot } from "./snapshot.ts";
import { frontierAt, treesFrom } from "./trees.ts";

/** The runtime captured the state as of `index`: it replaces the entries up to there. */
export function onStateCaptured(replica: Replica, { index, state }: StateCaptured): Step {
  const { log, snapshot, setup, commitIndex } = replica;
  const at = positionAt(log, index);
  if (at === null || index > commitIndex || index <= (snapshot?.at.index ?? 0))
    return stay(replica);
  const { outgoing: _, ...seats } = settleRosters(refold(replica, index), index);
  const kept = compact(log, Math.min(index - setup.retainedEntries, oldestTransfer(replica)));
  const [tree, base] = [frontierAt(replica, index), frontierAt(replica, kept.before.index)];
  if (tree === null || base === null) return stay(replica);
  const taken: Snapshot = { at, seats, tree, state };
  return emit(
    { ...replica, snapshot: taken, log: kept, trees: treesFrom(replica.trees, base) },
    {
      kind: "persist",
      writes: [{ kind: "snapshot", snapshot: taken, keepAfter: kept.before.index }],
    },
  );
}

/** What follows a snapshot on its way is needed next: else the follower would need another one. */
function oldestTransfer({ office, nowMs, setup }: Replica): number {
  const moving = [...(office?.progress.values() ?? [])].filter(
    ({ ackedMs }) => nowMs - ackedMs < setup.suspectAfterMs,
  );
  return Math.min(
    ...moving.map(({ transfer }) => transfer?.snapshot.at.index ?? Number.POSITIVE_INFINITY),
  );
}

/** Begins with the newest snapshot, or once more with the one that is on its way. */
export function sendSnapshot(replica: Replica, key: BootKey): Step {
  const { office, nowMs } = replica;
  const follower = office?.progress.get(key);
  const snapshot = follower?.transfer?.snapshot ?? replica.snapshot;
  if (office === null || follower === undefined || snapshot === null) return stay(replica);
  const begun = { ...follower, transfer: { snapshot, offset: 0 }, sentMs: nowMs };
  return sendChunk(withProgress(replica, office, begun), key);
}

function sendChunk(replica: Replica, key: BootKey): Step {
  const { office, setup } = replica;
  const follower = office?.progress.get(key);
  if (office === null || follower === undefined || follower.transfer === null) return stay(replica);
  const { snapshot, offset } = follower.transfer;
  const message: SnapshotChunk = {
    kind: "snapshot-chunk",
    term: office.term,
    rosterHash: office.roster.hash,
    at: snapshot.at,
    seats: snapshot.seats,
    tree: snapshot.tree,
    offset,
    totalBytes: snapshot.state.length,
    bytes: snapshot.state.subarray(offset, offset + setup.chunkBytesMax),
  };
  return emit(replica, { kind: "send", to: follower.boot, message, after: "now" });
}

export function onSnapshotAck(replica: Replica, from: Boot, ack: SnapshotAck): Step {
  const { office, nowMs } = replica;
  const follower = office?.progress.get(from.bootKey);
  if (office === null || follower === undefined || ack.term !== office.term) return stay(replica);
  const { transfer } = follower;
  // Each step forward is answered once: a repeated ack must not beget a second stream of chunks.
  if (transfer === null || ack.atIndex !== transfer.snapshot.at.index) return stay(replica);
  if (ack.offset <= transfer.offset) return stay(replica);
  const noted = withProgress(replica, office, {
    ...follower,
    transfer: { ...transfer, offset: ack.offset },
    sentMs: nowMs,
    ackedMs: nowMs,
  });
  return ack.offset < transfer.snapshot.state.length ? sendChunk(noted, from.bootKey) : stay(noted);
}

export function onSnapshotChunk(replica: Replica, from: Boot, chunk: SnapshotChunk): Step {
  const claim = { leader: from, term: chunk.term, rosterHash: chunk.rosterHash };
  const refusal = refuseClaim(replica, claim);
  if (refusal === "behind") return emit(replica, { kind: "refresh-view" });
  if (refusal !== null) return emit(replica, sayNo(replica, from, chunk.term, refusal));
  // Only an append says whether its leader is active: a chunk may come from one that is starting.
  const { following } = replica;
  const active = following?.term === chunk.term && following.active;
  return andThen(
    andThen(bind(replica, claim), (bound) => hear(bound, from, { term: chunk.term, active })),
    (heard) => collect(heard, from, chunk),
  );
}

function collect(replica: Replica, from: Boot, chunk: SnapshotChunk): Step {
  if (chunk.at.index <= replica.commitIndex) return confirm(replica, from, chunk);
  const known = replica.incoming;
  const continues =
    known !== null && known.from === from.bootKey && known.at.hash === chunk.at.hash;
  const begun: Incoming = continues
    ? known
    : {
        from: from.bootKey,
        at: chunk.at,
        seats: chunk.seats,
        tree: chunk.tree,
        totalBytes: chunk.totalBytes,
        parts: [],
        offset: 0,
      };
  const fits = chunk.offset === begun.offset;
  const incoming: Incoming = fits
    ? { ...begun, parts: [...begun.parts, chunk.bytes], offset: begun.offset + chunk.bytes.length }
    : begun;
  const held = { ...replica, incoming };
  if (incoming.offset >= incoming.totalBytes) {
    return andThen(install(held, incoming), (installed) => confirm(installed, from, chunk));
  }
  return emit(held, {
    kind: "send",
    to: from,
    after: "durable",
    message: {
      kind: "snapshot-ack",
      term: chunk.term,
      atIndex: chunk.at.index,
      offset: incoming.offset,
    },
  });
}

/** The snapshot is committed state: a suffix that continues it stays, a conflicting one never was. */
function install(replica: Replica, { at, seats, tree, parts, totalBytes }: Incoming): Step {
  const state = joined(parts, totalBytes);
  const snapshot: Snapshot = { at, seats, tree, state };
  const continues = positionAt(replica.log, at.index)?.hash === at.hash;
  const suffix = continues ? between(replica.log, at.index, replica.log.last.index) : [];
  const log: Log = append(logAfter(at), suffix);
  const writes: Write[] = [{ kind: "install", snapshot }];
  if (suffix.length > 0) writes.push({ kind: "entries", after: at.index, entries: suffix });
  const installed = settleStatus({
    ...replica,
    log,
    snapshot,
    trees: [tree],
    seats: seatsAfter(openSeats(snapshot), suffix),
    commitIndex: at.index,
    incoming: null,
  });
  const effects = [{ kind: "persist", writes } as const, { kind: "restore", snapshot } as const];
  return andThen(emit(installed, ...effects), endIfReplaced);
}

function confirm(replica: Replica, from: Boot, chunk: SnapshotChunk): Step {
  return emit(replica, {
    kind: "send",
    to: from,
    after: "durable",
    message: {
      kind: "ack",
      term: chunk.term,
      status: replica.status,
      matchIndex: chunk.at.index,
      matchHash: chunk.at.hash,
      round: 0,
    },
  });
}

function joined(parts: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const state = new Uint8Array(totalBytes);
  let offset = 0;
  for (const part of parts) {
    state.set(part, offset);
    offset += part.length;
  }
  return state;
}
