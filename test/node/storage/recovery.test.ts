import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { readSegmentHeader } from "../../../node/src/storage/format.ts";
import { encodeFrame, frameBytes, type Run, sealFrame } from "../../../node/src/storage/frame.ts";
import {
  appending,
  damagedIn,
  entriesAfter,
  firstEntries,
  flipBit,
  openNoting,
  segmentsIn,
  snapshotAt,
  temporaryDirectory,
  written,
} from "./sample.ts";

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

test("a segment of which only a torn write is left is removed", async () => {
  const entries = firstEntries(4);
  const directory = await written(entries);
  truncateSync(join(directory, "00000002.segment"), 32 + 20);

  const torn = await openNoting(directory);
  expect(torn.journal.recovered.entries).toEqual(entries.slice(0, 3));
  expect(torn.lines).toMatchObject([{ level: "warn" }]);
  await torn.journal.close();
  expect((await openNoting(directory)).lines).toEqual([]);
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
  const lengthBytes = statSync(first).size;
  truncateSync(first, 32 + 97);

  const { journal, lines, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual(entries.slice(0, 1));
  const reason = `frames should reach to ${lengthBytes}`;
  expect(lines).toMatchObject([{ fields: { file: first, offset: 32 + 97, reason } }]);
  expect(counted).toEqual(["journal_damaged_total"]);
});

const [first, second, third] = firstEntries(3);
if (first === undefined || second === undefined || third === undefined) expect.fail();
const forgeries: { run: Run<Entry>; reason: string }[] = [
  {
    run: { after: 2, entries: [{ ...third, hash: first.hash }] },
    reason: `entry 3 does not chain: hash ${third.hash}, expected ${first.hash}`,
  },
  {
    run: { after: 2, entries: entriesAfter({ ...second, index: 5 }, 1) },
    reason: "no entry 3 where it should be",
  },
  {
    run: { after: 2, entries: [{ ...third, bytes: new Uint8Array([9, 9]) }] },
    reason: "no entry 3",
  },
  { run: { after: 4, entries: firstEntries(5).slice(4) }, reason: "entries after 2 are missing" },
];
test.for(forgeries)("a frame is damaged in spite of its CRC when $reason", async (forged) => {
  const directory = await written([first, second]);
  const path = join(directory, "00000001.segment");
  const bytes = readFileSync(path);
  const frame = Buffer.alloc(frameBytes([forged.run]));
  encodeFrame(frame, [forged.run]);
  sealFrame(frame, readSegmentHeader(bytes, path)?.marker ?? expect.fail());
  writeFileSync(path, Buffer.concat([bytes, frame]));

  const { journal, lines, counted } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual([first, second]);
  const reason: unknown = expect.stringContaining(forged.reason);
  expect(lines).toMatchObject([{ level: "error", fields: { offset: bytes.length, reason } }]);
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

test("a file that cannot be read at all is named, and nothing is changed", async () => {
  const directory = await written(firstEntries(4));
  const path = join(directory, "00000002.segment");
  const kept = readFileSync(path);
  const expectNamed = async () => {
    await expect(openNoting(directory)).rejects.toMatchObject({
      fault: { code: "storage.unusable", path },
      message: expect.stringContaining(path),
    });
  };
  // Sparse: it takes no room.
  truncateSync(path, 3 * 2 ** 30);
  await expectNamed();
  rmSync(path);
  mkdirSync(path);
  await expectNamed();

  rmSync(path, { recursive: true });
  writeFileSync(path, kept);
  expect((await openNoting(directory)).journal.recovered.entries).toEqual(firstEntries(4));
});
