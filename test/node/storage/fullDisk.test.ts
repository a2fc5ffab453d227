import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { origin } from "../../../node/src/consensus/log.ts";
import { type Disk, realDisk } from "../../../node/src/storage/disk.ts";
import { type Fault, faultyDisk } from "./faultyDisk.ts";
import {
  appending,
  entriesAfter,
  firstEntries,
  openNoting,
  segmentsIn,
  snapshotAt,
  temporaryDirectory,
} from "./sample.ts";

type Room = {
  readonly name: string;
  make(): { directory: string; disk?: Disk; fill(): void; free(): void };
};

/** A file system that is really full, where this process may mount one. */
const mounted: Room = {
  name: "a file system without room",
  make() {
    const directory = temporaryDirectory();
    mount(directory);
    onTestFinished(() => void execFileSync("umount", ["--lazy", directory]));
    const ballast = join(directory, "ballast");
    const free = () => rmSync(ballast);
    return { directory, fill: () => fill(directory, ballast), free };
  },
};

const injected: Room = {
  name: "a disk that answers ENOSPC",
  make() {
    const disk = faultyDisk(realDisk("fsync"));
    const full = { code: "ENOSPC", arrivingBytes: 10, strikes: () => true } as const;
    const directory = temporaryDirectory();
    return { directory, disk, fill: () => disk.fail(full), free: disk.heal };
  },
};

function mount(directory: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory], { stdio: "pipe" });
}

function canMount(): boolean {
  const directory = join("/tmp", `mount-${process.pid}`);
  try {
    execFileSync("mkdir", [directory]);
    mount(directory);
    execFileSync("umount", [directory]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fill(directory: string, ballast: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
}

const rooms = canMount() ? [mounted, injected] : [injected];

test.for(rooms)(
  "with $name, writes wait and say why, and go on once there is room",
  async (room) => {
    const { directory, disk, fill: fillUp, free } = room.make();
    const options = { durability: "fsync", segmentBytesMax: 100_000 } as const;
    const given = disk === undefined ? options : { ...options, disk };
    const { journal, lines } = await openNoting(directory, given);
    const entries: Entry[] = entriesAfter(origin, 400, "a", 1_000);
    await journal.write([appending(entries.slice(0, 10))]);
    fillUp();
    const writing = journal.write([appending(entries.slice(10))]);
    const wasEarly = vi.fn();
    void writing.then(wasEarly);

    await vi.waitFor(() => expect(journal.health().ok).toBe(false), { timeout: 5_000 });
    expect(journal.health()).toEqual({
      ok: false,
      reason: expect.stringMatching(new RegExp(`^cannot write to ${directory}: ENOSPC: `)),
    });
    expect(wasEarly).not.toHaveBeenCalled();
    free();
    await writing;

    expect(journal.health()).toEqual({ ok: true });
    expect(lines).toMatchObject([{ level: "error" }, { level: "info" }]);
    await journal.close();
    const again = await openNoting(directory);
    expect(again.journal.recovered.entries).toEqual(entries);
    expect(again.lines).toEqual([]);
    await again.journal.close();
  },
);

test.for([
  { arriving: "nothing", arrivingBytes: 0 },
  { arriving: "half a frame", arrivingBytes: 100 },
  // All of it arrives, and the sync fails: whether it lasts, nobody knows.
  { arriving: "all of it", arrivingBytes: 10_000 },
])("after a failed sync with $arriving written, it all goes to a new segment", async (given) => {
  const disk = faultyDisk(realDisk("none"));
  const directory = temporaryDirectory();
  const { journal, lines } = await openNoting(directory, { disk, segmentBytesMax: 10_000 });
  const entries = firstEntries(6);
  await journal.write([appending(entries.slice(0, 2))]);
  const behind = disk.writes.at(-1)?.position ?? expect.fail();
  const strikes: Fault["strikes"] = (path, position) =>
    path.endsWith("segment") && position > behind;
  disk.fail({ code: "EIO", arrivingBytes: given.arrivingBytes, strikes });
  await journal.write([appending(entries.slice(2, 4))]);
  disk.heal();
  await journal.write([appending(entries.slice(4))]);
  await journal.close();

  expect(lines.map(({ level }) => level).sort()).toEqual(["error", "info", "warn"]);
  expect(segmentsIn(directory)).toEqual(["00000001.segment", "00000002.segment"]);
  const again = await openNoting(directory);
  expect(again.journal.recovered.entries).toEqual(entries);
  expect(again.lines).toEqual([]);
});

test("a segment whose very first write fails leaves no gap in the numbers", async () => {
  const disk = faultyDisk(realDisk("none"));
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory, { disk });
  const strikes: Fault["strikes"] = (path, position) => path.endsWith("segment") && position === 32;
  disk.fail({ code: "EIO", arrivingBytes: 0, strikes });
  const entries = firstEntries(2);
  const writing = journal.write([appending(entries)]);
  await vi.waitFor(() => expect(journal.health().ok).toBe(false));
  disk.heal();
  await writing;
  await journal.close();

  expect(segmentsIn(directory)).toEqual(["00000001.segment"]);
  const again = await openNoting(directory);
  expect(again.journal.recovered.entries).toEqual(entries);
  expect(again.lines).toEqual([]);
});

test("while a snapshot finds no room, the one before stays", async () => {
  const disk = faultyDisk(realDisk("none"));
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory, { disk });
  const entries = firstEntries(9);
  const [older, newer] = [3, 8].map((index) => snapshotAt(entries[index] ?? expect.fail()));
  if (older === undefined || newer === undefined) expect.fail();
  await journal.write([appending(entries), { kind: "snapshot", snapshot: older, keepAfter: 0 }]);
  const strikes: Fault["strikes"] = (path) => path.endsWith("snapshot.new");
  disk.fail({ code: "EDQUOT", arrivingBytes: 3, strikes });
  const writing = journal.write([{ kind: "snapshot", snapshot: newer, keepAfter: 9 }]);
  const refusal = expect(writing).rejects.toMatchObject({
    fault: { code: "storage.closed", directory },
  });
  await vi.waitFor(() => expect(journal.health().ok).toBe(false));
  await journal.close();
  await refusal;

  const again = await openNoting(directory);
  expect(again.journal.recovered).toEqual({
    promised: null,
    snapshot: older,
    entries: entries.slice(4),
  });
});

test("a journal whose disk refuses can be closed, and its directory opened again", async () => {
  const { directory, disk, fill: fillUp, free } = injected.make();
  if (disk === undefined) expect.fail();
  const { journal } = await openNoting(directory, { disk });
  fillUp();
  const [first, second] = [firstEntries(1), firstEntries(2).slice(1)].map((entries) =>
    journal.write([appending(entries)]),
  );
  const refused = { fault: { code: "storage.closed" } };
  const outcomes = Promise.all([
    expect(first).rejects.toMatchObject(refused),
    expect(second).rejects.toMatchObject(refused),
  ]);
  await vi.waitFor(() => expect(journal.health().ok).toBe(false));
  await journal.close();
  await outcomes;
  free();
  expect((await openNoting(directory)).journal.recovered.entries).toEqual([]);
});
