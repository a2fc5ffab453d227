import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
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
  treeOf,
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

/** Puts another tree into a snapshot's file, with a length and a CRC that fit. */
function withTree(path: string, tree: unknown): void {
  const bytes = readFileSync(path);
  const stateStart = 20 + bytes.readUInt32BE(16);
  const header: object = JSON.parse(bytes.toString("utf8", 20, stateStart));
  const json = Buffer.from(JSON.stringify({ ...header, tree }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const body = Buffer.concat([length, json, bytes.subarray(stateStart, -4)]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 16), body, crc]));
}

const at = firstEntries(10)[9] ?? expect.fail();
const root = "0".repeat(64);
test.for([
  { its: "missing", tree: undefined },
  { its: "that of fewer entries", tree: treeOf(9) },
  { its: "a subtree short", tree: { size: 10, roots: [root] } },
  { its: "a subtree too long", tree: { size: 10, roots: [root, root, root] } },
  { its: "not one of hashes", tree: { size: 10, roots: [root, "0".repeat(32)] } },
])("a snapshot whose tree is $its is damaged", async ({ tree }) => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  await journal.write([{ kind: "install", snapshot: snapshotAt(at) }]);
  await journal.close();
  const path = join(directory, "snapshot");
  const asWritten = readFileSync(path);
  withTree(path, treeOf(10));
  expect(readFileSync(path)).toEqual(asWritten);
  withTree(path, tree);

  const again = await openNoting(directory);
  expect(again.journal.recovered.snapshot).toBeNull();
  expect(again.counted).toEqual(["journal_damaged_total"]);
});
