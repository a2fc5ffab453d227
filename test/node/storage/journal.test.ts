import { expect, test } from "vitest";
import type { Journal } from "../../../node/src/runtime/ports.ts";
import { realDisk } from "../../../node/src/storage/disk.ts";
import { memoryDisk } from "../../support/memoryJournal.ts";
import { faultyDisk } from "./faultyDisk.ts";
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

test("calls of one turn, and calls that wait for a sync, share one write", async () => {
  const disk = faultyDisk(realDisk("none"));
  const { journal } = await openNoting(temporaryDirectory(), { disk, segmentBytesMax: 100_000 });
  const entries = firstEntries(61);
  await journal.write([appending(entries.slice(0, 1))]);
  const before = disk.writes.length;
  const first = entries.slice(1, 21).map((entry) => journal.write([appending([entry])]));
  // By the next turn the first write is on its way.
  await new Promise((resolve) => setImmediate(resolve));
  const second = entries.slice(21).map((entry) => journal.write([appending([entry])]));
  await Promise.all([...first, ...second]);
  expect(disk.writes.slice(before).map(({ path }) => path)).toHaveLength(2);
});

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

test("a write that would leave a gap in the log is a broken invariant", async () => {
  const { journal } = await openNoting(temporaryDirectory());
  const entries = firstEntries(5);
  await expect(journal.write([appending(entries.slice(2))])).rejects.toThrow(
    "entries follow index 2, the log ends at 0",
  );
});
