import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { readSegmentHeader } from "../../../node/src/storage/format.ts";
import { encodeFrame, frameBytes, sealFrame } from "../../../node/src/storage/frame.ts";
import {
  appending,
  entriesAfter,
  firstEntries,
  openNoting,
  promised,
  snapshotAt,
  temporaryDirectory,
} from "./sample.ts";

/** A closed journal with `entries`, one frame each, in segments of about three. */
async function written(entries: readonly Entry[]): Promise<string> {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  for (const entry of entries) await journal.write([appending([entry])]);
  await journal.close();
  return directory;
}

const segmentsIn = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^\d+\.segment$/.test(name));
const damagedIn = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.includes(".damaged"));

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

test("a torn tail is cut with a log line, and the log goes on from there", async () => {
  const entries = firstEntries(11);
  const directory = await written(entries);
  const last = join(directory, segmentsIn(directory).at(-1) ?? "none");
  const lengthBytes = statSync(last).size;
  truncateSync(last, lengthBytes - 5);

  const torn = await openNoting(directory);
  expect(torn.journal.recovered.entries).toEqual(entries.slice(0, 10));
  expect(torn.counted).toEqual([]);
  expect(torn.lines).toMatchObject([
    { level: "warn", fields: { file: last, reason: expect.stringContaining("shorter") } },
  ]);
  await torn.journal.write([appending(entries.slice(10))]);
  await torn.journal.close();

  const whole = await openNoting(directory);
  expect(whole.journal.recovered.entries).toEqual(entries);
  expect(whole.lines).toEqual([]);
});

test("a torn tail in front of room set aside is cut, too", async () => {
  const entries = firstEntries(3);
  const directory = await written(entries);
  const [only = "none"] = segmentsIn(directory);
  const path = join(directory, only);
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.length - 40);
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(500)]));

  const { journal, lines, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries.slice(0, 2));
  expect(lines).toMatchObject([{ level: "warn" }]);
  expect(counted).toEqual([]);
});

test("a flipped bit in the middle loses the log from there, and the rest is kept aside", async () => {
  const entries = firstEntries(20);
  const directory = await written(entries);
  const names = segmentsIn(directory);
  expect(names.length).toBeGreaterThan(4);
  const second = join(directory, names[1] ?? "none");
  const before = readFileSync(second);
  const inSecondFrame = 32 + 12 + 10 + 36 + 39 + 30;
  flipBit(second, inSecondFrame);

  const { journal, lines, counted } = await openNoting(directory);
  const kept = journal.recovered.entries;
  expect(kept).toEqual(entries.slice(0, kept.length));
  expect(kept).toHaveLength(4);
  expect(counted).toEqual(["journal_damaged_total"]);
  const crc: unknown = expect.any(Number);
  expect(lines).toMatchObject([
    {
      level: "error",
      fields: { file: second, offset: 32 + 97, expectedCrc: crc, actualCrc: crc },
    },
  ]);
  expect(damagedIn(directory)).toEqual(names.slice(1).map((name) => `${name}.damaged`));
  expect(statSync(`${second}.damaged`).size).toBe(before.length);
  await journal.close();

  const again = await openNoting(directory);
  expect(again.journal.recovered.entries).toEqual(kept);
  expect(again.lines).toEqual([]);
});

test("a damaged frame with whole ones behind it in the last segment is no torn tail", async () => {
  const entries = firstEntries(3);
  const directory = await written(entries);
  const path = join(directory, segmentsIn(directory)[0] ?? "none");
  flipBit(path, 32 + 97 + 50);

  const { journal, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries.slice(0, 1));
  expect(counted).toEqual(["journal_damaged_total"]);
  expect(damagedIn(directory)).toHaveLength(1);
});

test("a missing segment loses what lies behind it", async () => {
  const entries = firstEntries(20);
  const directory = await written(entries);
  const names = segmentsIn(directory);
  rmSync(join(directory, names[2] ?? "none"));

  const { journal, lines, counted } = await openNoting(directory);
  const kept = journal.recovered.entries;
  expect(kept).toEqual(entries.slice(0, 6));
  expect(lines).toMatchObject([{ fields: { reason: "segment 3 is missing before it" } }]);
  expect(counted).toEqual(["journal_damaged_total"]);
});

test("a frame missing at the end of an earlier segment is found", async () => {
  const entries = firstEntries(20);
  const directory = await written(entries);
  const first = join(directory, segmentsIn(directory)[0] ?? "none");
  truncateSync(first, 32 + 97);

  const { journal, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries.slice(0, 1));
  expect(counted).toEqual(["journal_damaged_total"]);
});

test("an entry that does not chain is damage in spite of its CRC", async () => {
  const entries = firstEntries(5);
  const directory = await written(entries.slice(0, 2));
  const path = join(directory, segmentsIn(directory)[0] ?? "none");
  const bytes = readFileSync(path);
  const marker = readSegmentHeader(bytes, path)?.marker ?? expect.fail();
  const forged = { ...(entries[2] ?? expect.fail()), hash: entries[0]?.hash ?? expect.fail() };
  const runs = [{ after: 2, entries: [forged] }];
  const frame = Buffer.alloc(frameBytes(runs));
  encodeFrame(frame, runs);
  sealFrame(frame, marker);
  writeFileSync(path, Buffer.concat([bytes, frame]));

  const { journal, lines, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries.slice(0, 2));
  const reason: unknown = expect.stringMatching(/^entry 3 does not chain: hash .* expected /);
  expect(lines).toMatchObject([{ fields: { reason } }]);
  expect(counted).toEqual(["journal_damaged_total"]);
});

test("where the log was cut at damage, an older branch behind the snapshot is not revived", async () => {
  const old = firstEntries(12, "old");
  const fork = old[4] ?? expect.fail();
  const replacing = entriesAfter(fork, 4, "new");
  const at = replacing[2] ?? expect.fail();
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory, { segmentBytesMax: 100_000 });
  for (const entry of old) await journal.write([appending([entry])]);
  await journal.write([appending(replacing)]);
  await journal.write([{ kind: "snapshot", snapshot: snapshotAt(at), keepAfter: 0 }]);
  await journal.close();
  const path = join(directory, segmentsIn(directory)[0] ?? "none");
  flipBit(path, statSync(path).size - 20);

  const again = await openNoting(directory);
  expect(again.journal.recovered).toMatchObject({ snapshot: { at: { index: 8 } }, entries: [] });
});

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

test("a damaged promise slot leaves the promise before it; two leave none", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  for (const value of [1, 2, 3]) {
    await journal.write([{ kind: "promise", promised: promised(value) }]);
  }
  await journal.close();
  flipBit(join(directory, "promises"), 40);

  const one = await openNoting(directory);
  expect(one.journal.recovered.promised).toEqual(promised(2));
  expect(one.counted).toEqual(["journal_damaged_total"]);
  await one.journal.close();
  flipBit(join(directory, "promises"), 4096 + 40);

  const none = await openNoting(directory);
  expect(none.journal.recovered.promised).toBeNull();
  await none.journal.write([{ kind: "promise", promised: promised(4) }]);
  await none.journal.close();
  expect((await openNoting(directory)).journal.recovered.promised).toEqual(promised(4));
});

test.for(["promises", "snapshot", "00000001.segment"])(
  "an unknown version of %s is refused, and nothing is touched",
  async (name) => {
    const entries = firstEntries(3);
    const directory = await written(entries);
    const { journal } = await openNoting(directory);
    await journal.write([{ kind: "promise", promised: promised(1) }]);
    const snapshot = snapshotAt(entries[1] ?? expect.fail());
    await journal.write([{ kind: "snapshot", snapshot, keepAfter: 0 }]);
    await journal.close();
    const path = join(directory, name);
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(2, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 12)), 12);
    writeFileSync(path, bytes);
    const before = readdirSync(directory);

    await expect(openNoting(directory)).rejects.toMatchObject({
      message: `${path} has format version 2; this release reads version 1 only`,
      fault: { code: "storage.versionUnknown", version: 2, versionSupported: 1 },
    });
    expect(readdirSync(directory)).toEqual(before);
    expect(readFileSync(path)).toEqual(bytes);
  },
);

test("files that are none of the journal's are left alone", async () => {
  const entries = firstEntries(3);
  const directory = await written(entries);
  const strange = ["notes.txt", "1.segment", "00000001.segment.damaged", "000000002.segment"];
  for (const name of strange)
    copyFileSync(join(directory, "00000001.segment"), join(directory, name));

  const { journal, lines } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries);
  expect(lines).toEqual([]);
  for (const name of strange) expect(readdirSync(directory)).toContain(name);
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
