/** Logs to write down, and places to write them to. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Promised, Write } from "../../../node/src/consensus/effect.ts";
import { type Body, type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import { bootKey, hash, memberId, term } from "../../../node/src/consensus/ids.ts";
import { origin, type Position } from "../../../node/src/consensus/log.ts";
import { emptyFrontier, extend, type Frontier } from "../../../node/src/consensus/merkle.ts";
import type { Roster } from "../../../node/src/consensus/roster.ts";
import type { Seats } from "../../../node/src/consensus/seats.ts";
import type { Snapshot } from "../../../node/src/consensus/snapshot.ts";
import type { Journal, Log } from "../../../node/src/runtime/ports.ts";
import { sha256Chain, sha256Tree } from "../../../node/src/storage/digest.ts";
import type { Durability } from "../../../node/src/storage/disk.ts";
import { type JournalOptions, openJournal } from "../../../node/src/storage/journal.ts";

const hex = (digit: string): string => digit.repeat(64);

/** `count` commands that follow `after`; `label` sets logs of one length apart. */
export function entriesAfter(after: Position, count: number, label = "a", bytes = 20): Entry[] {
  const entries: Entry[] = [];
  let previous = after;
  for (let at = 0; at < count; at += 1) {
    const draft = { index: previous.index + 1, term: term(3), timeMs: 1_700_000_000_000 };
    const payload = new Uint8Array(Buffer.from(`${label}${draft.index} `.padEnd(bytes, ".")));
    const body: Body = { kind: "command", payload };
    const entry = makeEntry(draft, body, previous.hash, sha256Chain);
    entries.push(entry);
    previous = entry;
  }
  return entries;
}

export function ofEveryKind(): Entry[] {
  const checkpoint = {
    coldTerm: term(2),
    index: 4,
    logRoot: hash(hex("a")),
    stateHash: hash(hex("b")),
  };
  const bodies: readonly Body[] = [
    { kind: "term-start", roster, cold: true },
    { kind: "rejoin", member: memberId(`0x${"1".repeat(40)}`), bootKey: bootKey(hex("d")) },
    { kind: "command", payload: Uint8Array.of(0, 255) },
    { kind: "mark" },
    { kind: "checkpoint", checkpoint },
  ];
  let previous: Position = origin;
  return bodies.map((body) => {
    const draft = { index: previous.index + 1, term: term(3), timeMs: 1_700_000_000_000 };
    const entry = makeEntry(draft, body, previous.hash, sha256Chain);
    previous = entry;
    return entry;
  });
}

export const firstEntries = (count: number, label?: string): Entry[] =>
  entriesAfter(origin, count, label);

export function appending(entries: readonly Entry[]): Write {
  return { kind: "entries", after: (entries[0]?.index ?? 1) - 1, entries };
}

export function positionOf({ index, term: of, hash: at }: Position): Position {
  return { index, term: of, hash: at };
}

export const promised = (value: number): Promised => ({
  term: term(value),
  leaderBootKey: bootKey(hex("b")),
  rosterHash: hash(hex("c")),
});

const roster: Roster = {
  hash: hash(hex("f")),
  members: [{ slot: 7, id: memberId(`0x${"1".repeat(40)}`), bootKey: bootKey(hex("e")) }],
};

export const seats: Seats = {
  valid: new Map([[memberId(`0x${"1".repeat(40)}`), bootKey(hex("d"))]]),
  named: new Set([bootKey(hex("d")), bootKey(hex("e"))]),
  rosters: [{ index: 1, term: term(2), roster }],
  namedAt: new Map([[memberId(`0x${"1".repeat(40)}`), 5]]),
  coldTerm: term(2),
};

export function snapshotAt(at: Position, stateBytes = 10): Snapshot {
  const state = new Uint8Array(stateBytes).fill(at.index);
  return { at: positionOf(at), seats, tree: treeOf(at.index), state };
}

/** Of a log whose entries' hashes nobody asks for. */
export function treeOf(size: number): Frontier {
  const leaves = Array.from({ length: size }, (_, at) => hash(String(at).padStart(64, "0")));
  return extend(emptyFrontier, leaves, sha256Tree);
}

export type Line = {
  readonly level: string;
  readonly fields: { readonly file?: unknown };
  readonly sentence: string;
};

/** Keeps what it is told. */
export function notingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, sentence: string) => {
    lines.push({ level, fields: { ...fields }, sentence });
  };
  const log: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return { log, lines };
}

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "journal-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of what a process that ended just now would leave: it may be deleting files meanwhile. */
export function remainsOf(directory: string): string {
  const copy = temporaryDirectory();
  for (const name of readdirSync(directory)) {
    // Closing a second descriptor of the lock would drop this process's hold on it.
    if (name === "lock") continue;
    try {
      copyFileSync(join(directory, name), join(copy, name));
    } catch (error) {
      if (existsSync(join(directory, name))) throw error;
    }
  }
  return copy;
}

export type Opened = {
  readonly journal: Journal;
  readonly lines: readonly Line[];
  readonly counted: readonly string[];
};

/** Closed with the test, unless the test closes it. Small segments, so that there are several. */
export async function openNoting(
  directory: string,
  options: Partial<JournalOptions> = {},
): Promise<Opened> {
  const { log, lines } = notingLog();
  const counted: string[] = [];
  const durability: Durability = "none";
  const journal = await openJournal({
    directory,
    digest: sha256Chain,
    log,
    count: (name) => counted.push(name),
    durability,
    segmentBytesMax: 400,
    ...options,
  });
  onTestFinished(() => journal.close());
  return { journal, lines, counted };
}

/** A closed journal with `entries`, one frame each, in segments of about three. */
export async function written(entries: readonly Entry[]): Promise<string> {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  for (const entry of entries) await journal.write([appending([entry])]);
  await journal.close();
  return directory;
}

export const segmentsIn = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^\d+\.segment$/.test(name));
export const damagedIn = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.includes(".damaged"));

export function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}
