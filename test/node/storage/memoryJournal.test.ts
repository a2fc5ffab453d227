/** What the fake adds for the simulation: syncs and crashes by hand. */
import { expect, test, vi } from "vitest";
import { memoryDisk } from "../../support/memoryJournal.ts";
import { appending, firstEntries, promised } from "./sample.ts";

test("what is not synced is lost in a crash, and its call never settles", async () => {
  const disk = memoryDisk("when-told");
  const journal = disk.open();
  const [first, second, third] = firstEntries(3).map((entry) => [appending([entry])]);
  if (first === undefined || second === undefined || third === undefined) expect.fail();
  const settled = vi.fn();
  const durable = journal.write(first);
  for (const writes of [second, third]) void journal.write(writes).finally(settled);
  expect(disk.pendingCount()).toBe(3);
  disk.sync(1);
  await durable;
  disk.crash();
  disk.sync();
  await new Promise((resolve) => setImmediate(resolve));

  expect(settled).not.toHaveBeenCalled();
  expect(disk.open().recovered.entries).toEqual(firstEntries(1));
});

test("a crash may leave the first of the writes that nobody was told of", () => {
  const disk = memoryDisk("when-told");
  const entries = firstEntries(2);
  void disk
    .open()
    .write([
      appending(entries.slice(0, 1)),
      { kind: "promise", promised: promised(1) },
      appending(entries.slice(1)),
    ]);
  disk.crash(2);
  expect(disk.open().recovered).toEqual({
    promised: promised(1),
    snapshot: null,
    entries: entries.slice(0, 1),
  });
});

test("a copy keeps what was durable when it was made", async () => {
  const disk = memoryDisk();
  const entries = firstEntries(2);
  const journal = disk.open();
  await journal.write([appending(entries.slice(0, 1))]);
  const old = disk.copy();
  await journal.write([appending(entries.slice(1))]);
  expect(old.open().recovered.entries).toEqual(entries.slice(0, 1));
  expect(disk.open().recovered.entries).toEqual(entries);
});

test("a journal that a crash ended writes nothing more", () => {
  const disk = memoryDisk();
  const dead = disk.open();
  disk.open();
  void dead.write([appending(firstEntries(1))]);
  expect(disk.open().recovered.entries).toEqual([]);
});
