/** The application's state at this replica: what the core commits is applied here, once, in order. */
import {
  apply,
  describeCommand,
  initialMachine,
  type Machine,
  type Outcome,
} from "../application/machine.ts";
import { decodeState, encodeState } from "../application/state.ts";
import type { Entry } from "../consensus/entry.ts";
import { entryAt } from "../consensus/log.ts";
import type { Replica } from "../consensus/replica.ts";
import type { Snapshot } from "../consensus/snapshot.ts";
import type { LogPage, LogRecord } from "./service.ts";

export type Replicated = {
  machine(): Machine;
  appliedIndex(): number;
  /** Applies committed entries; `onOutcome` hears of each command. */
  commit(entries: readonly Entry[], onOutcome: (entry: Entry, outcome: Outcome) => void): void;
  restore(snapshot: Snapshot): void;
  /** The state, when `everyEntries` have been applied since it was last captured. */
  capture(everyEntries: number): { readonly index: number; readonly state: Uint8Array } | null;
  /** Drops the results of entries up to `index`, which the log no longer holds. */
  forget(index: number): void;
  page(replica: Replica, from: number, limit: number): LogPage;
};

export function createReplicated(snapshot: Snapshot | null): Replicated {
  let machine = initialMachine();
  let appliedIndex = 0;
  let capturedIndex = 0;
  /** Results of entries that are still in the log, for people to read. */
  const outcomes = new Map<number, Outcome>();
  if (snapshot !== null) restore(snapshot);

  function restore({ at, state }: Snapshot): void {
    const read = decodeState(state);
    if (!read.ok)
      throw new Error(`the snapshot at index ${at.index} cannot be read: ${read.reason}`);
    machine = read.value;
    appliedIndex = at.index;
    capturedIndex = at.index;
    outcomes.clear();
  }

  return {
    machine: () => machine,
    appliedIndex: () => appliedIndex,
    commit(entries, onOutcome) {
      for (const entry of entries) {
        appliedIndex = entry.index;
        if (entry.body.kind !== "command") continue;
        const { index, term, timeMs } = entry;
        const after = apply(machine, { index, term, timeMs, payload: entry.body.payload });
        machine = after.machine;
        outcomes.set(index, after.outcome);
        onOutcome(entry, after.outcome);
      }
    },
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
  if (body.kind === "rejoin") return { member: body.member, bootKey: body.bootKey };
  const { roster, cold } = body;
  return { cold, rosterHash: roster.hash, members: roster.members };
}

function resultOf(outcome: Outcome): unknown {
  return outcome.kind === "applied" ? JSON.parse(outcome.result) : { refused: outcome.fault };
}
