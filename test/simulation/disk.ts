/**
 * A member's disk: what was made durable, and nothing else.
 *
 * It keeps entries as bytes and reads them back as the journal does, so that a restart goes through
 * the entry codec.
 */
import type { Promised, Write } from "../../node/src/consensus/effect.ts";
import { type Entry, readEntry } from "../../node/src/consensus/entry.ts";
import type { Digest, Hash } from "../../node/src/consensus/ids.ts";
import { origin } from "../../node/src/consensus/log.ts";
import type { Remembered } from "../../node/src/consensus/replica.ts";
import type { Snapshot } from "../../node/src/consensus/snapshot.ts";
import type { Random } from "./random.ts";
import { Violation } from "./violation.ts";

export type Disk = {
  promised: Promised | null;
  /** The promise that the boot which runs on it found there. */
  inherited: Promised | null;
  snapshot: Snapshot | null;
  /** Index before the first entry kept. */
  beforeIndex: number;
  entries: Entry[];
};

export function blankDisk(): Disk {
  return { promised: null, inherited: null, snapshot: null, beforeIndex: 0, entries: [] };
}

export function copyOf(disk: Disk): Disk {
  return { ...disk, entries: [...disk.entries] };
}

export function applyWrite(disk: Disk, write: Write): void {
  switch (write.kind) {
    case "promise":
      checkPromise(disk, write.promised);
      disk.promised = write.promised;
      return;
    case "entries":
      applyEntries(disk, write.after, write.entries);
      return;
    case "snapshot":
      disk.snapshot = write.snapshot;
      disk.entries.splice(0, Math.max(write.keepAfter - disk.beforeIndex, 0));
      disk.beforeIndex = Math.max(disk.beforeIndex, write.keepAfter);
      return;
    case "install":
      disk.snapshot = write.snapshot;
      disk.entries = [];
      disk.beforeIndex = write.snapshot.at.index;
      return;
    default:
      write satisfies never;
  }
}

function applyEntries(disk: Disk, after: number, entries: readonly Entry[]): void {
  const kept = after - disk.beforeIndex;
  if (kept < 0 || kept > disk.entries.length) {
    throw new Violation(
      "the log has no holes",
      `entries after ${after} were written to a log of ${lastIndexOf(disk)}`,
    );
  }
  disk.entries.length = kept;
  disk.entries.push(...entries);
}

/**
 * On one disk, no promise falls, and none is given twice for one term; but a boot may give up what an
 * earlier one promised, while the log holds nothing of that term.
 */
function checkPromise(disk: Disk, next: Promised): void {
  const { promised, inherited } = disk;
  if (promised === null || next.term > promised.term) return;
  if (promised === inherited && lastTermOf(disk) < promised.term) return;
  const same =
    next.term === promised.term &&
    next.leaderBootKey === promised.leaderBootKey &&
    next.rosterHash === promised.rosterHash;
  if (same) return;
  throw new Violation(
    "a promise's term never falls",
    `${next.term} to ${next.leaderBootKey} after ${promised.term} to ${promised.leaderBootKey}`,
  );
}

function lastTermOf({ entries, snapshot }: Disk): number {
  return entries.at(-1)?.term ?? snapshot?.at.term ?? 0;
}

/** A crash in the middle of `writes`: a prefix of them survives, the last perhaps in part. */
export function tear(disk: Disk, writes: readonly Write[], random: Random): void {
  const survivors = random.integer(0, writes.length);
  for (const write of writes.slice(0, survivors)) applyWrite(disk, write);
  const torn = writes[survivors];
  if (torn?.kind !== "entries" || torn.entries.length === 0) return;
  const part = torn.entries.slice(0, random.integer(0, torn.entries.length));
  if (part.length > 0) applyWrite(disk, { ...torn, entries: part });
}

export function lastIndexOf({ beforeIndex, entries }: Disk): number {
  return beforeIndex + entries.length;
}

/** The hash of what the disk holds at `index`; undefined when it holds nothing there. */
export function hashAt({ beforeIndex, entries, snapshot }: Disk, index: number): Hash | undefined {
  if (index === snapshot?.at.index) return snapshot.at.hash;
  return entries[index - beforeIndex - 1]?.hash;
}

/** Reads the disk back as the journal does after a restart. */
export function remember(disk: Disk, digest: Digest): Remembered {
  const { promised, snapshot, beforeIndex } = disk;
  let { hash } = snapshot?.at ?? origin;
  const entries: Entry[] = [];
  for (const stored of disk.entries.slice((snapshot?.at.index ?? 0) - beforeIndex)) {
    const entry = readEntry(stored.bytes, hash, digest);
    if (entry === null || entry.hash !== stored.hash) {
      throw new Violation(
        "what was written can be read",
        `entry ${stored.index} of term ${stored.term} does not read back as itself`,
      );
    }
    hash = entry.hash;
    entries.push(entry);
  }
  return { promised, snapshot, entries };
}
