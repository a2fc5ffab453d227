/**
 * The log in memory: a value that grows cheaply.
 *
 * Logs that share an ancestor share one array. Appending to the log that ends where the array ends
 * writes in place (the older values see only their own length); any other append copies first. So
 * every log stays the value it was, at the cost of a push.
 */

import type { Entry } from "./entry.ts";
import { type Hash, noHash, type Term, term } from "./ids.ts";

/** A position and what lies there; `hash` covers everything up to it. */
export type Position = { readonly index: number; readonly term: Term; readonly hash: Hash };

export type Log = {
  /** What precedes the first entry kept: earlier ones live on in a snapshot. */
  readonly before: Position;
  readonly last: Position;
  readonly shared: Entry[];
};

export const origin: Position = { index: 0, term: term(0), hash: noHash };

export function logAfter(before: Position): Log {
  return { before, last: before, shared: [] };
}

/** The entries must continue the log: the caller has chained their hashes. */
export function append(log: Log, entries: readonly Entry[]): Log {
  const newest = entries.at(-1);
  if (newest === undefined) return log;
  const length = log.last.index - log.before.index;
  const shared = log.shared.length === length ? log.shared : log.shared.slice(0, length);
  for (const entry of entries) shared.push(entry);
  return { before: log.before, last: positionOf(newest), shared };
}

/** Keeps entries up to and including `index`. */
export function truncate(log: Log, index: number): Log {
  if (index >= log.last.index) return log;
  const last = positionAt(log, index);
  return last === null ? logAfter(log.before) : { ...log, last };
}

/** Forgets entries up to and including `index`. */
export function compact(log: Log, index: number): Log {
  const before = positionAt(log, index);
  if (before === null || index <= log.before.index) return log;
  return { before, last: log.last, shared: [...between(log, index, log.last.index)] };
}

export function entryAt(log: Log, index: number): Entry | undefined {
  if (index > log.last.index) return undefined;
  return log.shared[index - log.before.index - 1];
}

/** What lies at `index`, or `null` when it was compacted away or is not there yet. */
export function positionAt(log: Log, index: number): Position | null {
  if (index === log.before.index) return log.before;
  if (index === log.last.index) return log.last;
  const entry = entryAt(log, index);
  return entry === undefined ? null : positionOf(entry);
}

/** Entries after `from`, up to and including `to`. */
export function between(log: Log, from: number, to: number): Entry[] {
  const end = Math.min(to, log.last.index);
  return log.shared.slice(from - log.before.index, Math.max(end - log.before.index, 0));
}

/** Entries after `from`, as many as fit in `bytesMax` (one at least). */
export function batchAfter(log: Log, from: number, bytesMax: number): Entry[] {
  const batch: Entry[] = [];
  let bytes = 0;
  for (let index = from + 1; index <= log.last.index; index += 1) {
    const entry = entryAt(log, index);
    if (entry === undefined) break;
    bytes += entry.bytes.length;
    if (batch.length > 0 && bytes > bytesMax) break;
    batch.push(entry);
  }
  return batch;
}

/** Raft's order of logs: the later term wins, then the longer log. */
export function isGreater(a: Position, b: Position): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index);
}

function positionOf(entry: Entry): Position {
  return { index: entry.index, term: entry.term, hash: entry.hash };
}
