/**
 * Reads the log back after a restart. The result is what replaying the frames from the first one
 * gives, up to the first that cannot be believed; nothing behind that one is used.
 *
 * Behind the last whole frame there may be a torn one: a write that the end of the process or the
 * power cut short, which nobody was told of. It is cut off. Anything else that cannot be read is
 * damage: it is moved aside, and counted.
 */
import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type Entry, readEntry } from "../consensus/entry.ts";
import type { Digest } from "../consensus/ids.ts";
import { origin, type Position } from "../consensus/log.ts";
import type { Count, Log } from "../runtime/ports.ts";
import { copyAside, moveAside } from "./aside.ts";
import { orUnusable } from "./faults.ts";
import { segmentHeaderBytes } from "./format.ts";
import type { StoredEntry } from "./frame.ts";
import {
  type Cut,
  type Placed,
  pathOfSegment,
  readHeaderOf,
  type Scan,
  scanSegments,
  sequencesIn,
} from "./scan.ts";
import { type ClosedSegment, spareName } from "./segments.ts";
import { readSnapshot, type StoredSnapshot, snapshotPath } from "./snapshots.ts";

export type RecoveredLog = {
  readonly stored: StoredSnapshot | null;
  readonly entries: readonly Entry[];
  /** Ascending. */
  readonly segments: readonly ClosedSegment[];
  readonly nextSequence: number;
  /** Length in bytes of what counts in the last segment. */
  readonly previousEnd: number;
};

export type RecoveryOptions = {
  readonly directory: string;
  readonly digest: Digest;
  readonly log: Log;
  readonly count: Count;
};

/** @throws StorageError storage.versionUnknown, before anything is changed; storage.unusable */
export function recoverLog(options: RecoveryOptions): RecoveredLog {
  const { directory, digest } = options;
  return orUnusable(directory, () => {
    const found = sequencesIn(directory);
    for (const sequence of found) readHeaderOf(directory, sequence);
    const read = readSnapshot(directory);
    if (read === "damaged") setSnapshotAside(options, found);

    const stored = read === "damaged" ? null : read;
    const firstSequence = stored?.firstSegment ?? 1;
    removeLeftovers(directory, firstSequence);
    const sequences = sequencesIn(directory);
    const scan = scanSegments(directory, sequences, firstSequence);
    const { frames, entries, cut } = replay(scan, stored?.snapshot.at ?? origin, digest);
    const isCopied = cut === null || setAside(cut, sequences, options);
    return { stored, entries, ...tidy(directory, { frames, firstSequence, isCopied }) };
  });
}

/** A process that ended before it could tidy up leaves these. */
function removeLeftovers(directory: string, firstSequence: number): void {
  rmSync(join(directory, spareName), { force: true });
  rmSync(`${snapshotPath(directory)}.new`, { force: true });
  for (const sequence of sequencesIn(directory)) {
    if (sequence < firstSequence) rmSync(pathOfSegment(directory, sequence));
  }
}

type Item = { readonly entry: StoredEntry; readonly frame: number };

/**
 * Chains the entries that remain onto `base`. Where that fails the frame is damaged in spite of its
 * CRC, and what the frames before it give is taken instead.
 */
function replay(
  scan: Scan,
  base: Position,
  digest: Digest,
): Scan & { readonly entries: readonly Entry[] } {
  let { frames, cut } = scan;
  for (;;) {
    const { items, gap } = itemsOf(frames, base.index);
    const { entries, broken } = chain(items, base, digest);
    const bad = broken ?? gap;
    const frame = bad === null ? undefined : frames[bad.frame];
    if (bad === null || frame === undefined) return { frames, entries, cut };
    frames = frames.slice(0, bad.frame);
    const { sequence, at } = frame;
    cut = { sequence, at, torn: false, fault: { reason: bad.reason } };
  }
}

type Bad = { readonly frame: number; readonly reason: string };

/** Entries behind `base`, later runs replacing earlier ones. */
function itemsOf(frames: readonly Placed[], base: number): { items: Item[]; gap: Bad | null } {
  const items: Item[] = [];
  for (const [frame, { runs }] of frames.entries()) {
    for (const { after, entries } of runs) {
      const last = base + items.length;
      if (after > last) {
        return { items, gap: { frame, reason: `entries after ${last} are missing` } };
      }
      items.length = Math.max(after - base, 0);
      for (const entry of entries.slice(Math.max(base - after, 0))) items.push({ entry, frame });
    }
  }
  return { items, gap: null };
}

function chain(
  items: readonly Item[],
  base: Position,
  digest: Digest,
): { entries: Entry[]; broken: Bad | null } {
  const entries: Entry[] = [];
  let previous = base.hash;
  for (const { entry: stored, frame } of items) {
    const entry = readEntry(stored.bytes, previous, digest);
    const index = base.index + entries.length + 1;
    if (entry === null || entry.index !== index) {
      return { entries, broken: { frame, reason: `no entry ${index} where it should be` } };
    }
    const expected = Buffer.from(stored.hash).toString("hex");
    if (entry.hash !== expected) {
      const reason = `entry ${index} does not chain: hash ${entry.hash}, expected ${expected}`;
      return { entries, broken: { frame, reason } };
    }
    entries.push(entry);
    previous = entry.hash;
  }
  return { entries, broken: null };
}

/** False when there was no room for a copy: then the segment must stay as it is. */
function setAside(
  { sequence, at, torn, fault }: Cut,
  sequences: readonly number[],
  { directory, log, count }: RecoveryOptions,
): boolean {
  const path = pathOfSegment(directory, sequence);
  const where = { file: path, offset: at, ...fault };
  if (torn) {
    log.warn(where, "the journal ends in a write that was cut short: removed, nobody relied on it");
    return true;
  }
  const movedFrom = at <= segmentHeaderBytes ? sequence : sequence + 1;
  const isCopied = movedFrom === sequence || copyAside(path, log);
  for (const later of sequences) {
    if (later >= movedFrom) moveAside(pathOfSegment(directory, later));
  }
  count("journal_damaged_total");
  log.error(where, "the journal is damaged: what lies behind is lost, and kept as *.damaged");
  return isCopied;
}

function setSnapshotAside(
  { directory, log, count }: RecoveryOptions,
  sequences: readonly number[],
): void {
  const path = snapshotPath(directory);
  for (const sequence of sequences) moveAside(pathOfSegment(directory, sequence));
  moveAside(path);
  count("journal_damaged_total");
  log.error(
    { file: path },
    "the snapshot is damaged: the whole log is lost, and kept as *.damaged",
  );
}

/** Leaves segments that hold frames and nothing else. */
function tidy(
  directory: string,
  kept: { frames: readonly Placed[]; firstSequence: number; isCopied: boolean },
): Pick<RecoveredLog, "segments" | "nextSequence" | "previousEnd"> {
  const indexMaxes = new Map<number, number>();
  for (const { sequence, runs } of kept.frames) {
    const highest = runs.map(({ after, entries }) =>
      entries.length > 0 ? after + entries.length : 0,
    );
    indexMaxes.set(sequence, Math.max(indexMaxes.get(sequence) ?? 0, ...highest));
  }
  const last = kept.frames.at(-1);
  const lastSequence = last?.sequence ?? kept.firstSequence - 1;
  const previousEnd = last?.end ?? 0;
  for (const sequence of sequencesIn(directory)) {
    if (sequence > lastSequence) rmSync(pathOfSegment(directory, sequence));
  }
  if (last !== undefined && kept.isCopied) {
    truncateSync(pathOfSegment(directory, lastSequence), previousEnd);
  }
  const segments = [...indexMaxes].map(([sequence, indexMax]) => ({ sequence, indexMax }));
  return { segments, nextSequence: lastSequence + 1, previousEnd };
}
