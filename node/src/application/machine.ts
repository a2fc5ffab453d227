/**
 * The replicated state machine: committed commands in, their outcomes out.
 *
 * It hands each command to its application, once: a command under an idempotency key that was seen
 * before changes nothing and gets its first answer again, refusals included, with the same term and
 * index. Equal entries make equal machines and equal outcomes at every replica. Nothing here
 * throws: what cannot be read is refused, alike everywhere.
 */
import type { Term } from "../consensus/ids.ts";
import type { Caller } from "./application.ts";
import { describe, initialStates, run, type States } from "./applications.ts";
import { decodeCommand, type Envelope } from "./envelope.ts";
import { emptyTable, type KeyTable, recall, remember } from "./keys.ts";

export type Machine = {
  /** Queries read from here: `counter.query(machine.states.counter, "value")`. */
  readonly states: States;
  readonly keys: KeyTable<FirstOutcome>;
};

/** A committed command. Indexes grow from one to the next, though not always by one. */
export type CommandEntry = {
  readonly index: number;
  readonly term: Term;
  /** Milliseconds since the Unix epoch, as the leader noted it. */
  readonly timeMs: number;
  readonly payload: Uint8Array;
};

type Refused = { readonly code: "command.refused"; readonly reason: string };
type Mismatched = { readonly code: "idempotency.mismatch"; readonly key: string };

export type Outcome = FirstOutcome | Mismatch;
/** What an application made of a command; this is kept under its key. */
export type FirstOutcome =
  | {
      readonly kind: "applied";
      /** Where the command took effect: for a repeated one, the first time. */
      readonly index: number;
      readonly term: Term;
      /** The application's result as JSON text in ASCII. */
      readonly result: string;
    }
  | { readonly kind: "refused"; readonly fault: Refused };
/** The key belongs to another command. */
export type Mismatch = { readonly kind: "refused"; readonly fault: Mismatched };

export type MachineStep = { readonly machine: Machine; readonly outcome: Outcome };

/** For how many log entries an idempotency key counts. */
export const keyWindowEntries = 100_000;

const anonymous: Caller = { kind: "anonymous" };

/** `windowEntries`, at least 1, is part of the replicated state: equal at every replica. */
export function initialMachine(windowEntries: number = keyWindowEntries): Machine {
  return { states: initialStates(), keys: emptyTable(windowEntries) };
}

/** Carries out one committed command. `machine` itself stays what it was. */
export function apply(machine: Machine, entry: CommandEntry): MachineStep {
  const read = decodeCommand(entry.payload);
  if (!read.ok) return { machine, outcome: refused(read.reason) };
  const { idempotencyKey: key } = read.value;
  if (key === null) return carryOut(machine, entry, read.value);

  const fingerprint = `${read.value.application} ${read.value.command}`;
  const known = recall(machine.keys, key, entry.index);
  if (known !== null) {
    const isSame = known.fingerprint === fingerprint;
    return { machine, outcome: isSame ? known.outcome : mismatch(key) };
  }
  const step = carryOut(machine, entry, read.value);
  const record = { index: entry.index, fingerprint, outcome: step.outcome };
  const keys = remember(machine.keys, key, record);
  return { machine: { ...step.machine, keys }, outcome: step.outcome };
}

/** A payload for people to read; `null` when it is no command. */
export function describeCommand(
  payload: Uint8Array,
): { readonly application: string; readonly command: unknown } | null {
  const read = decodeCommand(payload);
  if (!read.ok) return null;
  const { application, command } = read.value;
  return { application, command: describe(application, command) };
}

type First = { readonly machine: Machine; readonly outcome: FirstOutcome };

function carryOut(machine: Machine, entry: CommandEntry, envelope: Envelope): First {
  const { index, term, timeMs } = entry;
  const place = { index, term, timeMs, caller: anonymous };
  const ran = run(machine.states, envelope.application, envelope.command, place);
  if (ran.kind === "refused") return { machine, outcome: refused(ran.reason) };
  return {
    machine: { states: ran.states, keys: machine.keys },
    outcome: { kind: "applied", index, term, result: ran.result },
  };
}

function refused(reason: string): FirstOutcome {
  return { kind: "refused", fault: { code: "command.refused", reason } };
}

function mismatch(key: string): Mismatch {
  return { kind: "refused", fault: { code: "idempotency.mismatch", key } };
}
