import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { firstEntries, openNoting, promised, snapshotAt, written } from "./sample.ts";

test.for([
  ["promises", 1],
  ["snapshot", 1],
  ["00000001.segment", 1],
  ["promises", 3],
  ["snapshot", 3],
  ["00000001.segment", 3],
] as const)(
  "%s of another version, %i, is refused, and nothing is touched",
  async ([name, version]) => {
    const entries = firstEntries(3);
    const directory = await written(entries);
    const { journal } = await openNoting(directory);
    await journal.write([{ kind: "promise", promised: promised(1) }]);
    const snapshot = snapshotAt(entries[1] ?? expect.fail());
    await journal.write([{ kind: "snapshot", snapshot, keepAfter: 0 }]);
    await journal.close();
    const path = join(directory, name);
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(version, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 12)), 12);
    writeFileSync(path, bytes);
    writeFileSync(join(directory, "spare.segment"), "a leftover, too");
    const before = readdirSync(directory);

    await expect(openNoting(directory)).rejects.toMatchObject({
      message: `${path} has format version ${version}; this release reads version 2 only`,
      fault: { code: "storage.versionUnknown", version, versionSupported: 2 },
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
