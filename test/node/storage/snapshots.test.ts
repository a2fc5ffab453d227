import { join } from "node:path";
import { expect, test } from "vitest";
import {
  appending,
  damagedIn,
  firstEntries,
  flipBit,
  openNoting,
  promised,
  segmentsIn,
  snapshotAt,
  temporaryDirectory,
  written,
} from "./sample.ts";

test("a damaged snapshot means a lost log, and the promise stays", async () => {
  const entries = firstEntries(20);
  const directory = await written(entries);
  const { journal } = await openNoting(directory);
  const snapshot = snapshotAt(entries[9] ?? expect.fail());
  await journal.write([
    { kind: "promise", promised: promised(7) },
    { kind: "snapshot", snapshot, keepAfter: 0 },
  ]);
  await journal.close();
  flipBit(join(directory, "snapshot"), 100);

  const lost = await openNoting(directory);
  expect(lost.journal.recovered).toEqual({ promised: promised(7), snapshot: null, entries: [] });
  expect(lost.lines).toMatchObject([
    { level: "error", sentence: expect.stringContaining("the snapshot is damaged") },
  ]);
  expect(lost.counted).toEqual(["journal_damaged_total"]);
  expect(damagedIn(directory)).toContain("snapshot.damaged");
  await lost.journal.write([appending(entries)]);
  await lost.journal.close();
  expect((await openNoting(directory)).journal.recovered.entries).toEqual(entries);
});

test("what a snapshot makes superfluous is deleted, whole segments at a time", async () => {
  const entries = firstEntries(30);
  const directory = await written(entries);
  const names = segmentsIn(directory);
  const { journal } = await openNoting(directory);
  const snapshot = snapshotAt(entries[24] ?? expect.fail());
  await journal.write([{ kind: "snapshot", snapshot, keepAfter: 12 }]);
  await journal.close();

  expect(segmentsIn(directory)).toEqual(names.slice(4));
  const again = await openNoting(directory);
  expect(again.journal.recovered).toEqual({
    promised: null,
    snapshot,
    entries: entries.slice(25),
  });
});

test("a state of many pieces comes back byte by byte", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  const at = firstEntries(3)[2] ?? expect.fail();
  const state = new Uint8Array(3_500_001).map((_, index) => index * 7);
  await journal.write([{ kind: "install", snapshot: { ...snapshotAt(at), state } }]);
  await journal.close();
  const again = await openNoting(directory);
  expect(Buffer.from(again.journal.recovered.snapshot?.state ?? []).equals(state)).toBe(true);
});
