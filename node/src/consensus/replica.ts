/**
 * What one replica knows. Nothing here reads a clock, a socket or a random source: everything comes
 * in as an input, and everything the replica wants done leaves as an effect (see step.ts).
 */
import { noVouchers, type Vouched } from "./checkpoint.ts";
import { type Doubt, noDoubt } from "./doubt.ts";
import type { Effect, Promised } from "./effect.ts";
import type { Entry } from "./entry.ts";
import type { Boot, BootKey, Digest, Hash, MemberId, Term } from "./ids.ts";
import { term } from "./ids.ts";
import type { Ticket } from "./input.ts";
import { append, type Log, logAfter, origin, type Position } from "./log.ts";
import type { Marks } from "./marks.ts";
import { emptyFrontier, type Frontier, type TreeHash } from "./merkle.ts";
import type { Append, Prepare, PromiseMade, Report, Status } from "./message.ts";
import type { Roster } from "./roster.ts";
import { type OpenSeats, openSeats, type Seats, seatsAfter } from "./seats.ts";
import type { Snapshot } from "./snapshot.ts";
import type { View } from "./view.ts";

/** Fixed for the life of a boot. */
export type Setup = {
  readonly self: Boot;
  readonly digest: Digest;
  readonly treeHash: TreeHash;
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly voteFallbackMs: number;
  /** How far above the last committed term a promise may reach. */
  readonly termWindow: number;
  readonly coldStart: "all" | "majority";
  readonly batchBytesMax: number;
  readonly chunkBytesMax: number;
  /**
   * Appends with entries that may be under way to one follower. What arrives meanwhile gathers and
   * leaves as one batch with the next ack: few large batches under load, no delay without.
   */
  readonly batchesInFlightMax: number;
  /** Entries kept behind a snapshot, for followers that lag a little. */
  readonly retainedEntries: number;
  /** A checkpoint is due after this many entries, or this long after the first that it lacks. */
  readonly checkpointEvery: number;
  readonly checkpointMs: number;
  /** How often the newest certificate is put on-chain; null: never. */
  readonly anchorEveryMs: number | null;
  /** A member that has been silent this long is removed; null: never. */
  readonly removeAfterMs: number | null;
};

export type Peer = {
  readonly boot: Boot;
  readonly connected: boolean;
  readonly heardAwakeMs: number;
  readonly report: Report | null;
};

/** The leader this replica accepts entries from. */
export type Following = {
  readonly term: Term;
  readonly leader: Boot;
  readonly active: boolean;
  /** Not active yet in this term, but active in the one before: members have changed. */
  readonly goesOn: boolean;
  readonly heardMs: number;
  readonly heardAwakeMs: number;
  readonly rejoinAskedMs: number;
};

/** How far one follower boot is, as its leader knows it. */
export type Progress = {
  readonly boot: Boot;
  readonly status: Status;
  /** Highest index this boot durably holds in common with the leader. */
  readonly matchIndex: number;
  readonly nextIndex: number;
  /** `probe`: one append at a time until one fits. `stream`: pipelined. */
  readonly mode: "probe" | "stream";
  readonly round: number;
  /** Last index of each append with entries that is not acknowledged yet. */
  readonly inFlight: readonly number[];
  readonly sentMs: number;
  readonly ackedMs: number;
  /** The snapshot on its way: this very one to its end, whatever newer ones are taken meanwhile. */
  readonly transfer: { readonly snapshot: Snapshot; readonly offset: number } | null;
};

export type Reading = {
  readonly round: number;
  readonly index: number;
  readonly tickets: readonly Ticket[];
};

/** Held while the contract names this replica. */
export type Office = {
  readonly term: Term;
  readonly roster: Roster;
  readonly cold: boolean;
  /**
   * `barred`: its own promise forbids it. `gathering` promises, `fetching` the log it adopts,
   * `starting`: its term-start is not committed yet. It serves only when `active`.
   */
  readonly stage: "barred" | "gathering" | "fetching" | "starting" | "active";
  /** Who refused it for good, and since when: they can follow a later term only. */
  readonly refusedBy: ReadonlyMap<MemberId, number>;
  /** Since when the contract has shown an earlier term, or another roster: it took this one back. */
  readonly disownedMs: number | null;
  readonly sinceMs: number;
  /** Since when this replica has led, through terms that followed one another. */
  readonly ledSinceMs: number;
  readonly askedMs: number;
  readonly promises: ReadonlyMap<BootKey, { readonly from: Boot; readonly made: PromiseMade }>;
  /** Holders of promised logs that could not be fetched, and since when. */
  readonly setAside: ReadonlyMap<BootKey, number>;
  readonly fetch: {
    readonly from: Boot;
    readonly target: Position;
    /** A position that both logs hold, if the holder says so. */
    readonly base: Position;
    /** What has come so far. It joins the log once it is known to be the one to adopt. */
    readonly entries: readonly Entry[];
    readonly sentMs: number;
  } | null;
  /** The log that it would have adopted, had the promises been of boots that this log finds valid. */
  readonly judged: {
    readonly seats: OpenSeats;
    readonly last: Position;
    /** As `joint`: what that log's term-start would need. */
    readonly joint: readonly Roster[];
  } | null;
  /** In a cold start: the chosen log ends before the contract's anchor, or differs from it. */
  readonly rollback: Rollback | null;
  readonly startIndex: number;
  /** Rosters whose quorums the term-start needs (step 4b). */
  readonly joint: readonly Roster[];
  readonly progress: ReadonlyMap<BootKey, Progress>;
  readonly round: number;
  readonly reading: Reading | null;
  readonly readQueue: readonly Ticket[];
  readonly broadcastMs: number;
  /** When it was last in touch with all that it needs. */
  readonly quorumAwakeMs: number;
  /** When it last asked the chain for a change (of leader, of members, or a cold start). */
  readonly petitionedMs: number;
  readonly marks: Marks;
  /** What a learner must hold to count as caught up. */
  readonly goal: { readonly index: number; readonly sinceMs: number };
};

/** Where the log that a cold start would adopt ends, and the anchor that it does not hold. */
export type Rollback = { readonly anchorIndex: number; readonly lastIndex: number };

/** A snapshot under way from the leader. */
export type Incoming = {
  readonly from: BootKey;
  readonly at: Position;
  readonly seats: Seats;
  readonly tree: Frontier;
  readonly totalBytes: number;
  readonly parts: readonly Uint8Array[];
  readonly offset: number;
};

export type Replica = {
  readonly setup: Setup;
  readonly nowMs: number;
  /** Like `nowMs`, less what this replica itself missed: see `onTick`. For the silence of others. */
  readonly awakeMs: number;
  readonly wallMs: number;
  readonly status: Status;
  /** This very process registered its boot key: it never forgot anything. */
  readonly registered: boolean;
  readonly view: View | null;
  /** Invariant: durable before anything that depends on it leaves; its term never falls. */
  readonly promised: Promised | null;
  readonly log: Log;
  readonly seats: OpenSeats;
  readonly snapshot: Snapshot | null;
  /** Of the Merkle tree over the log, ascending: the first is where the log kept begins. */
  readonly trees: readonly Frontier[];
  /** The newest state hash that the runtime computed. */
  readonly hashed: { readonly index: number; readonly stateHash: Hash } | null;
  readonly vouched: Vouched;
  /** Invariant: never falls within a boot. */
  readonly commitIndex: number;
  readonly durable: {
    readonly promisedTerm: Term;
    readonly lastIndex: number;
    readonly lastHash: Hash;
  };
  readonly peers: ReadonlyMap<BootKey, Peer>;
  /** Boots that attestation refuses at the moment: silent ones, for all that serves liveness. */
  readonly refused: ReadonlySet<BootKey>;
  readonly following: Following | null;
  readonly office: Office | null;
  readonly doubt: Doubt;
  /** Since when its own promise has kept it from the active leader that its view names. */
  readonly strandedMs: number | null;
  /** A leader's word that waits for a fresher view of the contract. */
  readonly held: { readonly from: Boot; readonly message: Prepare | Append } | null;
  readonly incoming: Incoming | null;
  readonly reportedMs: number;
};

export type Step = { readonly replica: Replica; readonly effects: readonly Effect[] };

/** What the disk still knows. It makes a cache, never a vote: every boot starts out recovering. */
export type Remembered = {
  readonly promised: Promised | null;
  readonly snapshot: Snapshot | null;
  readonly entries: readonly Entry[];
};

export function boot(setup: Setup, remembered: Remembered, nowMs: number): Replica {
  const { promised, snapshot, entries } = remembered;
  const log = append(logAfter(snapshot?.at ?? origin), entries);
  return {
    setup,
    nowMs,
    awakeMs: nowMs,
    wallMs: 0,
    status: "recovering",
    registered: false,
    view: null,
    promised,
    log,
    seats: seatsAfter(openSeats(snapshot), entries),
    snapshot,
    trees: [snapshot?.tree ?? emptyFrontier],
    hashed: null,
    vouched: noVouchers(nowMs),
    commitIndex: log.before.index,
    durable: {
      promisedTerm: promised?.term ?? term(0),
      lastIndex: log.last.index,
      lastHash: log.last.hash,
    },
    peers: new Map(),
    refused: new Set(),
    following: null,
    office: null,
    doubt: noDoubt(term(0), nowMs, 0),
    strandedMs: null,
    held: null,
    incoming: null,
    reportedMs: Number.NEGATIVE_INFINITY,
  };
}

export const stay = (replica: Replica): Step => ({ replica, effects: [] });

export function emit(replica: Replica, ...effects: readonly Effect[]): Step {
  return { replica, effects };
}

/** Runs `next` on what `step` left behind, and keeps the effects of both in order. */
export function andThen(step: Step, next: (replica: Replica) => Step): Step {
  const after = next(step.replica);
  if (step.effects.length === 0) return after;
  if (after.effects.length === 0) return { replica: after.replica, effects: step.effects };
  return { replica: after.replica, effects: [...step.effects, ...after.effects] };
}

/** Ends this replica's leadership; its waiting reads are declined, its commands may yet commit. */
export function leaveOffice(replica: Replica): Step {
  const { office } = replica;
  if (office === null) return stay(replica);
  const tickets = [...(office.reading?.tickets ?? []), ...office.readQueue];
  const left = { ...replica, office: null };
  return tickets.length === 0 ? stay(left) : emit(left, { kind: "declined", tickets });
}

export function withProgress(replica: Replica, office: Office, progress: Progress): Replica {
  const all = new Map(office.progress).set(progress.boot.bootKey, progress);
  return { ...replica, office: { ...office, progress: all } };
}
