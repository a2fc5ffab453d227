import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { realDisk } from "../../../node/src/storage/disk.ts";
import { temporaryDirectory } from "./sample.ts";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

test.for(["fsync", "none"] as const)(
  "a file is kept, or emptied, as asked (%s)",
  async (lasting) => {
    const path = join(temporaryDirectory(), "file");
    const disk = realDisk(lasting);
    writeFileSync(path, "what was there");
    const kept = await disk.open(path, "keep");
    await kept.write(text("THAT"), 0);
    await kept.close();
    expect(readFileSync(path, "utf8")).toBe("THAT was there");

    const emptied = await disk.open(path, "empty");
    await emptied.write(text("this is new"), 0);
    await emptied.truncate(4);
    await emptied.close();
    expect(readFileSync(path, "utf8")).toBe("this");
  },
);

test("a file is created, renamed over another, and removed", async () => {
  const directory = temporaryDirectory();
  const [from, to] = [join(directory, "new"), join(directory, "old")];
  const disk = realDisk("fsync");
  writeFileSync(to, "old");
  const file = await disk.open(from, "keep");
  await file.write(text("new"), 0);
  await file.close();
  await disk.rename(from, to);
  expect(readFileSync(to, "utf8")).toBe("new");
  expect(existsSync(from)).toBe(false);
  await disk.remove(to);
  expect(existsSync(to)).toBe(false);
});

test("what the system refuses is rejected with its error", async () => {
  const disk = realDisk("fsync");
  const path = join(temporaryDirectory(), "missing", "file");
  await expect(disk.open(path, "keep")).rejects.toMatchObject({ code: "ENOENT", path });
});

test("a directory is made with all that is missing above it", async () => {
  const path = join(temporaryDirectory(), "some", "where", "else");
  for (const lasting of ["fsync", "none"] as const) await realDisk(lasting).makeDirectory(path);
  expect(existsSync(path)).toBe(true);
});
