import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Journal } from "../../../node/src/runtime/ports.ts";
import { realDisk } from "../../../node/src/storage/disk.ts";
import { memoryDisk } from "../../support/memoryJournal.ts";
import { type FaultyDisk, faultyDisk } from "./faultyDisk.ts";
import { type JournalMaker, journalContract } from "./journal.contract.ts";
import {
  appending,
  entriesAfter,
  firstEntries,
  openNoting,
  remainsOf,
  temporaryDirectory,
} from "./sample.ts";

journalContract("the journal on a disk", () => onDisk("none"));
journalContract("the journal on a disk, synced", () => onDisk("fsync"));
journalContract("the journal in memory", () => {
  const disk = memoryDisk();
  return { open: async () => disk.open(), crash: async () => disk.crash() };
});

function onDisk(durability: "fsync" | "none"): JournalMaker {
  let directory = temporaryDirectory();
  return {
    open: async (): Promise<Journal> => (await openNoting(directory, { durability })).journal,
    async crash() {
      directory = remainsOf(directory);
    },
  };
}

test("calls of one turn share one write", async () => {
  const { journal, disk } = await counting();
  const calls = firstEntries(20).map((entry) => journal.write([appending([entry])]));
  await Promise.all(calls);
  expect(framesOn(disk)).toHaveLength(1);
});

test("calls that wait for a sync share the next one", async () => {
  const { journal, disk } = await counting();
  const entries = firstEntries(41);
  const first = journal.write([appending(entries.slice(0, 1))]);
  // By the next turn the first call is under way.
  await new Promise((resolve) => setImmediate(resolve));
  const others = entries.slice(1).map((entry) => journal.write([appending([entry])]));
  await Promise.all([first, ...others]);
  expect(framesOn(disk)).toHaveLength(2);
});

test("the next segment is prepared while the present one still has room", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory, { segmentBytesMax: 10_000 });
  const entries = firstEntries(100);
  await journal.write([appending(entries.slice(0, 20))]);
  expect(existsSync(join(directory, "spare.segment"))).toBe(false);
  await journal.write([appending(entries.slice(20, 90))]);
  await vi.waitFor(() => expect(statSync(join(directory, "spare.segment")).size).toBe(10_000));
});

async function counting(): Promise<{ journal: Journal; disk: FaultyDisk }> {
  const disk = faultyDisk(realDisk("none"));
  const { journal } = await openNoting(temporaryDirectory(), { disk, segmentBytesMax: 100_000 });
  return { journal, disk };
}

/** A prepared segment is written from its start; a frame never is. */
function framesOn(disk: FaultyDisk): readonly object[] {
  return disk.writes.filter(({ position }) => position > 0);
}

test("a batch larger than a segment, and an entry larger than a frame, are kept", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory, { segmentBytesMax: 100_000 });
  const entries = firstEntries(3);
  entries.push(...entriesAfter(entries[2] ?? expect.fail(), 5, "large", 1_500_000));
  const last = entries.at(-1) ?? expect.fail();
  entries.push(...entriesAfter(last, 5_000, "many", 500));
  await journal.write([appending(entries)]);
  await journal.close();
  const again = await openNoting(directory);
  expect(again.journal.recovered.entries.map(({ hash }) => hash)).toEqual(
    entries.map(({ hash }) => hash),
  );
});

test("a write that would leave a gap in the log is a broken invariant, and ends all writing", async () => {
  const { journal } = await openNoting(temporaryDirectory());
  const entries = firstEntries(5);
  const message = "entries follow index 2, the log ends at 0";
  await expect(journal.write([appending(entries.slice(2))])).rejects.toThrow(message);
  await expect(journal.write([appending(entries)])).rejects.toThrow(message);
});
