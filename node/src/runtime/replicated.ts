/** The application's state at this replica: what the core commits is applied here, once, in order. */
import {
  apply,
  describeCommand,
  initialMachine,
  type Machine,
  type Outcome,
} from "../application/machine.ts";
import { decodeState, encodeState } from "../application/state.ts";
import { stateHasher } from "../application/stateHash.ts";
import type { Checkpoint } from "../consensus/checkpoint.ts";
import type { Entry } from "../consensus/entry.ts";
import type { Digest, Hash } from "../consensus/ids.ts";
import { entryAt } from "../consensus/log.ts";
import type { Replica } from "../consensus/replica.ts";
import type { Snapshot } from "../consensus/snapshot.ts";
import type { LogPage, LogRecord } from "./service.ts";

/** What came of the entries, one after another. */
export type CommitEvents = {
  readonly onOutcome: (entry: Entry, outcome: Outcome) => void;
  /** A mark was applied. */
  readonly onStateHashed: (index: number, stateHash: Hash) => void;
  /** A checkpoint in the log says that the state as of its index was another one. */
  readonly onDivergence: (checkpoint: Checkpoint, own: Hash) => void;
};

export type Replicated = {
  machine(): Machine;
  appliedIndex(): number;
  /** Applies committed entries, up to a checkpoint that shows a divergence and no further. */
  commit(entries: readonly Entry[], events: CommitEvents): void;
  /** Hash of the state as of a mark that was applied here, among the last few. */
  stateHashAt(index: number): Hash | undefined;
  restore(snapshot: Snapshot): void;
  /** The state, when `everyEntries` have been applied since it was last captured. */
  capture(everyEntries: number): { readonly index: number; readonly state: Uint8Array } | null;
  /** Drops the results of entries up to `index`, which the log no longer holds. */
  forget(index: number): void;
  page(replica: Replica, from: number, limit: number): LogPage;
};

/** A checkpoint is in the log soon after its mark, and signed soon after that. */
const hashesMax = 16;

export function createReplicated(snapshot: Snapshot | null, digest: Digest): Replicated {
  const hashOf = stateHasher(digest);
  let machine = initialMachine();
  let appliedIndex = 0;
  let capturedIndex = 0;
  /** Results of entries that are still in the log, for people to read. */
  const outcomes = new Map<number, Outcome>();
  /** Of the state as of the last marks, oldest first. */
  const hashes = new Map<number, Hash>();
  if (snapshot !== null) restore(snapshot);

  function restore({ at, state }: Snapshot): void {
    const read = decodeState(state);
    if (!read.ok)
      throw new Error(`the snapshot at index ${at.index} cannot be read: ${read.reason}`);
    machine = read.value;
    // All records are new to the hasher. Better now, when nobody counts on this replica yet.
    hashOf(machine);
    appliedIndex = at.index;
    capturedIndex = at.index;
    outcomes.clear();
    hashes.clear();
  }

  /** False when the entry shows that this state is not the one that the others hold. */
  function applyEntry(entry: Entry, events: CommitEvents): boolean {
    const { index, term, timeMs, body } = entry;
    appliedIndex = index;
    if (body.kind === "command") {
      const after = apply(machine, { index, term, timeMs, payload: body.payload });
      machine = after.machine;
      outcomes.set(index, after.outcome);
      events.onOutcome(entry, after.outcome);
    } else if (body.kind === "mark") {
      const stateHash = hashOf(machine);
      keep(hashes, index, stateHash);
      events.onStateHashed(index, stateHash);
    } else if (body.kind === "checkpoint") {
      const own = hashes.get(body.checkpoint.index);
      if (own === undefined || own === body.checkpoint.stateHash) return true;
      events.onDivergence(body.checkpoint, own);
      return false;
    }
    return true;
  }

  return {
    machine: () => machine,
    appliedIndex: () => appliedIndex,
    commit(entries, events) {
      for (const entry of entries) {
        if (!applyEntry(entry, events)) return;
      }
    },
    stateHashAt: (index) => hashes.get(index),
    restore,
    capture(everyEntries) {
      if (appliedIndex - capturedIndex < everyEntries) return null;
      capturedIndex = appliedIndex;
      return { index: appliedIndex, state: encodeState(machine) };
    },
    forget(upTo) {
      for (const index of outcomes.keys()) {
        if (index > upTo) return;
        outcomes.delete(index);
      }
    },
    page: (replica, from, limit) => pageOf(replica, outcomes, from, limit),
  };
}

function keep(hashes: Map<number, Hash>, index: number, stateHash: Hash): void {
  hashes.set(index, stateHash);
  for (const oldest of hashes.keys()) {
    if (hashes.size <= hashesMax) return;
    hashes.delete(oldest);
  }
}

function pageOf(
  { log, commitIndex }: Replica,
  outcomes: ReadonlyMap<number, Outcome>,
  from: number,
  limit: number,
): LogPage {
  const firstIndex = log.before.index + 1;
  const entries: LogRecord[] = [];
  for (let index = Math.max(from, firstIndex); index <= commitIndex; index += 1) {
    const entry = entryAt(log, index);
    if (entry === undefined || entries.length >= limit) break;
    entries.push(recordOf(entry, outcomes.get(index)));
  }
  return { entries, firstIndex, lastIndex: commitIndex };
}

function recordOf(entry: Entry, outcome: Outcome | undefined): LogRecord {
  const { index, term, timeMs: time, body, hash } = entry;
  const described = body.kind === "command" ? describeCommand(body.payload) : null;
  return {
    index,
    term,
    time,
    kind: body.kind,
    application: described?.application ?? null,
    command: body.kind === "command" ? (described?.command ?? null) : contentOf(body),
    result: outcome === undefined ? null : resultOf(outcome),
    hash,
  };
}

function contentOf(body: Exclude<Entry["body"], { kind: "command" }>): unknown {
  switch (body.kind) {
    case "rejoin":
      return { member: body.member, bootKey: body.bootKey };
    case "term-start": {
      const { roster, cold } = body;
      return { cold, rosterHash: roster.hash, members: roster.members };
    }
    case "mark":
      return null;
    case "checkpoint": {
      const { coldTerm, index, logRoot, stateHash } = body.checkpoint;
      return { coldTerm, index, logRoot, stateHash };
    }
    default:
      return body satisfies never;
  }
}

function resultOf(outcome: Outcome): unknown {
  return outcome.kind === "applied" ? JSON.parse(outcome.result) : { refused: outcome.fault };
}
