/**
 * The journal: what a replica has promised, its log, and its latest snapshot, on a disk.
 *
 * Safety assumes: what the disk acknowledged as synced is there after a crash, or is found damaged.
 * Nothing here defends against a disk that shows an older state as a whole; the protocol does.
 * Liveness assumes: the disk takes writes again at some time.
 */
import { strict as assert } from "node:assert";
import type { Write } from "../consensus/effect.ts";
import type { Entry } from "../consensus/entry.ts";
import type { Digest } from "../consensus/ids.ts";
import type { Count, Journal, Log, Recovered } from "../runtime/ports.ts";
import { type Disk, type Durability, realDisk } from "./disk.ts";
import { unusable } from "./faults.ts";
import { encodeFrame, frameBytes, groupsWithin, type Run } from "./frame.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";
import { closedFault, type Persistence, persistently } from "./persistence.ts";
import { openPromises, type PromiseFile } from "./promises.ts";
import { type RecoveredLog, recoverLog } from "./recovery.ts";
import { openSegments, type Segments } from "./segments.ts";
import { writeSnapshot } from "./snapshots.ts";

export type JournalOptions = {
  /** Created when missing. One process at a time. */
  readonly directory: string;
  readonly digest: Digest;
  readonly log: Log;
  readonly count: Count;
  /** `none` survives the end of the process, but not a loss of power. */
  readonly durability: Durability;
  /** 16 MiB unless told. Twice as much is set aside on the disk. */
  readonly segmentBytesMax?: number;
  readonly disk?: Disk;
};

const frameBytesMax = 1_048_576;

/**
 * Opens the journal in `directory`, and reads back what it can be sure of.
 *
 * @throws StorageError storage.locked, storage.versionUnknown, storage.unusable
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, log } = options;
  const disk = options.disk ?? realDisk(options.durability);
  await disk.makeDirectory(directory).catch((error: unknown) => {
    throw unusable(directory, error);
  });
  const lock = lockDirectory(directory);
  try {
    const promises = openPromises({ ...options, disk });
    const recovered = recoverLog(options);
    const { segments: closed, nextSequence, previousEnd } = recovered;
    const segmentBytesMax = options.segmentBytesMax ?? 16_777_216;
    const room = { segmentBytesMax, closed, nextSequence, previousEnd };
    const segments = openSegments({ directory, disk, log, ...room });
    const persistence = persistently(directory, log);
    return serve({ directory, disk, lock, promises, segments, persistence, recovered });
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Parts = {
  readonly directory: string;
  readonly disk: Disk;
  readonly lock: DirectoryLock;
  readonly promises: PromiseFile;
  readonly segments: Segments;
  readonly persistence: Persistence;
  readonly recovered: RecoveredLog;
};

type Call = {
  readonly writes: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

function serve(parts: Parts): Journal {
  const { directory, lock, promises, segments, persistence } = parts;
  const recovered = recoveredBy(parts);
  const { carryOut, replaceBySnapshot } = writer(parts);
  let waiting: Call[] = [];
  /** Snapshots are written beside the entries, one after the other: nobody waits for them. */
  let snapshots: Promise<void> = Promise.resolve();
  let working: Promise<void> | null = null;
  let closing: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;

  /** Takes whatever waits, however many calls, as one: that is the group commit. */
  async function work(): Promise<void> {
    // Callers of one turn of the event loop share the first sync, too; and what they sent in that
    // turn leaves first, since a quick write holds up the loop.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (waiting.length > 0) {
      const calls = waiting;
      waiting = [];
      try {
        // Later writes build on those that failed.
        if (failure !== null) throw failure.error;
        const writes = calls.flatMap((call) => call.writes);
        if (writes.some(({ kind }) => kind === "install")) await snapshots;
        await carryOut(writes);
        for (const { resolve } of calls) resolve();
      } catch (error) {
        failure = { error };
        for (const { reject } of calls) reject(error);
      }
    }
    working = null;
  }

  async function end(): Promise<void> {
    persistence.giveUp();
    try {
      await working;
      await snapshots;
      await segments.close();
      await promises.close();
    } finally {
      lock.release();
    }
  }

  return {
    recovered,
    write(writes) {
      if (closing !== null) return Promise.reject(closedFault(directory));
      const [only] = writes;
      if (only?.kind === "snapshot" && writes.length === 1) {
        const written = snapshots.then(() => replaceBySnapshot(only));
        snapshots = written.catch(() => undefined);
        return written;
      }
      return new Promise((resolve, reject) => {
        waiting.push({ writes, resolve, reject });
        working ??= work();
      });
    },
    health: persistence.health,
    close() {
      closing ??= end();
      return closing;
    },
  };
}

function recoveredBy({ promises, recovered }: Parts): Recovered {
  return {
    promised: promises.recovered,
    snapshot: recovered.stored?.snapshot ?? null,
    entries: recovered.entries,
  };
}

type Writer = {
  /** In order; neighbouring entries go to the disk together. */
  carryOut(writes: readonly Write[]): Promise<void>;
  replaceBySnapshot(write: Extract<Write, { kind: "snapshot" }>): Promise<void>;
};

function writer(parts: Parts): Writer {
  const { directory, disk, promises, segments, persistence, recovered } = parts;
  let last = recovered.entries.at(-1)?.index ?? recovered.stored?.snapshot.at.index ?? 0;
  let scratch: Buffer = Buffer.alloc(65_536);

  async function carryOut(writes: readonly Write[]): Promise<void> {
    let runs: Run<Entry>[] = [];
    for (const write of writes) {
      if (write.kind === "entries") {
        last = lastAfter(write, last);
        runs.push(write);
        continue;
      }
      await appendRuns(runs);
      runs = [];
      await carryOutOther(write);
    }
    await appendRuns(runs);
  }

  async function carryOutOther(write: Exclude<Write, { kind: "entries" }>): Promise<void> {
    switch (write.kind) {
      case "promise":
        return persistence.until(() => promises.write(write.promised));
      case "snapshot":
        return replaceBySnapshot(write);
      case "install": {
        const { snapshot } = write;
        last = snapshot.at.index;
        let firstSegment = 0;
        await persistence.until(async () => {
          firstSegment = await segments.startNext();
        });
        await persistence.until(() => writeSnapshot(disk, directory, { snapshot, firstSegment }));
        return segments.dropBefore(firstSegment);
      }
      default:
        return write satisfies never;
    }
  }

  async function replaceBySnapshot({
    snapshot,
    keepAfter,
  }: Extract<Write, { kind: "snapshot" }>): Promise<void> {
    const firstSegment = segments.firstAfter(Math.min(keepAfter, snapshot.at.index));
    last = Math.max(last, snapshot.at.index);
    await persistence.until(() => writeSnapshot(disk, directory, { snapshot, firstSegment }));
    segments.dropBefore(firstSegment);
  }

  async function appendRuns(runs: readonly Run<Entry>[]): Promise<void> {
    if (runs.length === 0) return;
    for (const group of groupsWithin(runs, frameBytesMax)) {
      const sizeBytes = frameBytes(group);
      if (scratch.length < sizeBytes) scratch = Buffer.alloc(sizeBytes * 2);
      const frame = scratch.subarray(0, sizeBytes);
      encodeFrame(frame, group);
      const indexMax = group.reduce((max, run) => Math.max(max, run.after + run.entries.length), 0);
      await persistence.until(() => segments.append(frame, indexMax));
    }
  }

  return { carryOut, replaceBySnapshot };
}

/** The log's last index after the write, which must leave no gap: none could be read back. */
function lastAfter({ after, entries }: Run<Entry>, last: number): number {
  assert(after <= last, `entries follow index ${after}, the log ends at ${last}`);
  const first = entries[0]?.index ?? after + 1;
  assert(first === after + 1, `the first entry after ${after} has index ${first}`);
  return after + entries.length;
}
