/**
 * The machine as bytes, for snapshots and for comparing replicas: equal machines, equal bytes.
 *
 * Layout: version 1 (1 byte); the number of applications (1), each with its name, version (4) and
 * state; the window of the keys in entries (6); the number of keys (4), oldest first, each with the
 * key, its entry's index (6), the fingerprint and the outcome: 0 (1 byte), term (6) and result when
 * it was applied, 1 and the reason when it was refused.
 */
import { term } from "../consensus/ids.ts";
import {
  decodeStates,
  type EncodedState,
  encodeStates,
  type Read,
  type States,
} from "./applications.ts";
import {
  isReadWhole,
  type Reader,
  reader,
  readNumber,
  readText,
  type Writer,
  writeNumber,
  writer,
  writeText,
  written,
} from "./bytes.ts";
import {
  emptyTable,
  type KeyRecord,
  type KeyTable,
  recordCount,
  recordsOf,
  remember,
} from "./keys.ts";
import type { FirstOutcome, Machine } from "./machine.ts";

const layoutVersion = 1;
const outcomeApplied = 0;
const outcomeRefused = 1;

export function encodeState(machine: Machine): Uint8Array {
  const to = writer();
  writeNumber(to, layoutVersion, 1);
  writeStates(to, machine.states);
  writeKeys(to, machine.keys);
  return written(to);
}

/** Total: a snapshot comes from the disk or a peer, and may be of another version. */
export function decodeState(bytes: Uint8Array): Read<Machine> {
  const from = reader(bytes);
  const version = readNumber(from, 1);
  if (version !== layoutVersion) {
    return { ok: false, reason: `expected a state of layout ${layoutVersion}, got ${version}` };
  }
  const encoded = readStates(from);
  const keys = readKeys(from);
  if (keys === null || !isReadWhole(from)) {
    return { ok: false, reason: "the state is cut short, too long or out of order" };
  }
  const states = decodeStates(encoded);
  return states.ok ? { ok: true, value: { states: states.value, keys } } : states;
}

export function writeStates(to: Writer, states: States): void {
  const encoded = encodeStates(states);
  writeNumber(to, encoded.length, 1);
  for (const state of encoded) {
    writeText(to, state.application);
    writeNumber(to, state.version, 4);
    writeText(to, state.text);
  }
}

function readStates(from: Reader): readonly EncodedState[] {
  const count = readNumber(from, 1);
  const states: EncodedState[] = [];
  while (states.length < count && !from.failed) {
    states.push({
      application: readText(from),
      version: readNumber(from, 4),
      text: readText(from),
    });
  }
  return states;
}

function writeKeys(to: Writer, keys: KeyTable<FirstOutcome>): void {
  writeNumber(to, keys.windowEntries, 6);
  const countAt = to.length;
  let count = 0;
  writeNumber(to, count, 4);
  for (const [key, record] of recordsOf(keys)) {
    writeRecord(to, key, record);
    count += 1;
  }
  // The count stands before the records: known once they are written.
  const end = to.length;
  to.length = countAt;
  writeNumber(to, count, 4);
  to.length = end;
}

function readKeys(from: Reader): KeyTable<FirstOutcome> | null {
  const windowEntries = readNumber(from, 6);
  const count = readNumber(from, 4);
  if (windowEntries < 1) return null;
  let keys = emptyTable<FirstOutcome>(windowEntries);
  let lastIndex = 0;
  for (let at = 0; at < count; at += 1) {
    const key = readText(from);
    const record = readRecord(from);
    if (from.failed || record === null || record.index <= lastIndex) return null;
    keys = remember(keys, key, record);
    lastIndex = record.index;
  }
  // A key listed twice, or out of the window of another, would be gone by now.
  return recordCount(keys) === count ? keys : null;
}

export function writeRecord(to: Writer, key: string, record: KeyRecord<FirstOutcome>): void {
  const { index, fingerprint, outcome } = record;
  writeText(to, key);
  writeNumber(to, index, 6);
  writeText(to, fingerprint);
  if (outcome.kind === "applied") {
    writeNumber(to, outcomeApplied, 1);
    writeNumber(to, outcome.term, 6);
    writeText(to, outcome.result);
    return;
  }
  writeNumber(to, outcomeRefused, 1);
  writeText(to, outcome.fault.reason);
}

function readRecord(from: Reader): KeyRecord<FirstOutcome> | null {
  const index = readNumber(from, 6);
  const fingerprint = readText(from);
  const kind = readNumber(from, 1);
  if (kind === outcomeApplied) {
    const appliedIn = term(readNumber(from, 6));
    const result = readText(from);
    return { index, fingerprint, outcome: { kind: "applied", index, term: appliedIn, result } };
  }
  if (kind !== outcomeRefused) return null;
  const fault = { code: "command.refused", reason: readText(from) } as const;
  return { index, fingerprint, outcome: { kind: "refused", fault } };
}
