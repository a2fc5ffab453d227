/**
 * Whatever becomes of the files of a data directory, a journal that opens has made nothing up: what
 * comes back was written, in that order, or nothing does; and what opens can be written to again.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { origin } from "../../../node/src/consensus/log.ts";
import type { Journal, Recovered } from "../../../node/src/runtime/ports.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { StorageError } from "../../../node/src/storage/faults.ts";
import { openJournal } from "../../../node/src/storage/journal.ts";
import {
  appending,
  entriesAfter,
  firstEntries,
  notingLog,
  promised,
  snapshotAt,
} from "../../node/storage/sample.ts";
import { type Harm, harm, harms } from "../support/harm.ts";
import { runs, withinMs } from "../support/runs.ts";

type Opened = {
  readonly journal: Journal;
  readonly lines: readonly { readonly level: string; readonly fields: object }[];
  readonly counted: readonly string[];
};

async function open(directory: string): Promise<Opened> {
  const { log, lines } = notingLog();
  const counted: string[] = [];
  const journal = await openJournal({
    directory,
    digest: sha256Chain,
    log,
    count: (name) => counted.push(name),
    durability: "none",
    segmentBytesMax: 400,
  });
  return { journal, lines, counted };
}

/** A life of a journal: what its directory holds in the end, and what was durable at some time. */
type Life = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly logs: readonly (readonly Entry[])[];
  readonly snapshots: readonly Recovered["snapshot"][];
  readonly promises: readonly Recovered["promised"][];
};

let root: string;
let lives: readonly Life[];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "journal-fuzz-"));
  lives = [await liveLong(), await liveOn(), await liveAgain()];
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Appends, one frame each, and promises. */
async function liveLong(): Promise<Life> {
  const entries = firstEntries(20);
  const directory = freshDirectory();
  const { journal } = await open(directory);
  for (const entry of entries) await journal.write([appending([entry])]);
  for (const of of [1, 2, 3]) await journal.write([{ kind: "promise", promised: promised(of) }]);
  await journal.close();
  return {
    files: filesIn(directory),
    logs: prefixesOf(entries),
    snapshots: [null],
    promises: [2, 3].map(promised),
  };
}

/** A snapshot with a log on both of its sides. */
async function liveOn(): Promise<Life> {
  const entries = firstEntries(30);
  const directory = freshDirectory();
  const { journal } = await open(directory);
  for (const entry of entries.slice(0, 24)) await journal.write([appending([entry])]);
  const snapshot = snapshotAt(entries[17] ?? expect.fail(), 300);
  await journal.write([{ kind: "promise", promised: promised(7) }]);
  await journal.write([{ kind: "snapshot", snapshot, keepAfter: 10 }]);
  await journal.write([appending(entries.slice(24))]);
  await journal.close();
  return {
    files: filesIn(directory),
    logs: prefixesOf(entries),
    snapshots: [snapshot],
    promises: [promised(7)],
  };
}

/** A log whose end was replaced, twice. */
async function liveAgain(): Promise<Life> {
  const old = firstEntries(12, "old");
  const replacing = entriesAfter(old[4] ?? expect.fail(), 9, "new");
  const again = entriesAfter(replacing[2] ?? expect.fail(), 5, "again");
  const directory = freshDirectory();
  const { journal } = await open(directory);
  for (const entry of old) await journal.write([appending([entry])]);
  await journal.write([appending(replacing)]);
  for (const entry of again) await journal.write([appending([entry])]);
  await journal.close();
  const second = [...old.slice(0, 5), ...replacing];
  const third = [...second.slice(0, 8), ...again];
  return {
    files: filesIn(directory),
    logs: [...prefixesOf(old), second, ...prefixesOf(third).slice(8)],
    snapshots: [null],
    promises: [],
  };
}

const prefixesOf = (entries: readonly Entry[]): (readonly Entry[])[] =>
  Array.from({ length: entries.length + 1 }, (_, length) => entries.slice(0, length));

type Deed =
  | { readonly kind: "harm"; readonly file: number; readonly harm: Harm }
  | { readonly kind: "extend"; readonly file: number; readonly bytes: Uint8Array }
  | { readonly kind: "delete" | "directory" | "unread"; readonly file: number }
  | { readonly kind: "swap" | "copy"; readonly file: number; readonly other: number }
  | { readonly kind: "name"; readonly file: number; readonly as: string };

const file = fc.nat();
const deeds: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("harm"), file, harm: harms }) },
  fc.record({
    kind: fc.constant("extend"),
    file,
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 9_000 }).map((length) => new Uint8Array(length)),
    ),
  }),
  fc.record({ kind: fc.constantFrom("delete", "directory"), file }),
  fc.record({ kind: fc.constantFrom("swap", "copy"), file, other: file }),
  fc.record({
    kind: fc.constant("name"),
    file,
    as: fc.constantFrom(
      ...["00000001.segment", "00000002.segment", "00000007.segment", "00000099.segment"],
      ...["4294967295.segment", "9999999999.segment", "snapshot", "promises", "snapshot.new"],
      ...[
        "spare.segment",
        "promises.damaged",
        "snapshot.damaged",
        "00000001.segment.damaged",
        "lock",
      ],
    ),
  }),
);

function carryOut(directory: string, deed: Deed): void {
  const names = readdirSync(directory).sort();
  const nameAt = (position: number) => names[position % Math.max(1, names.length)];
  const name = nameAt(deed.file);
  if (name === undefined) return;
  const path = join(directory, name);
  switch (deed.kind) {
    case "harm":
      rewrite(path, (bytes) => harm(bytes, deed.harm));
      return;
    case "extend":
      rewrite(path, (bytes) => Buffer.concat([bytes, deed.bytes]));
      return;
    case "directory":
      rmSync(path, { recursive: true });
      mkdirSync(path);
      return;
    case "swap":
    case "copy": {
      const other = join(directory, nameAt(deed.other) ?? name);
      if (other === path || isDirectory(path) || isDirectory(other)) return;
      if (deed.kind === "swap") {
        const kept = readFileSync(other);
        copyFileSync(path, other);
        writeFileSync(path, kept);
      } else {
        copyFileSync(path, other);
      }
      return;
    }
    case "name":
      if (!isDirectory(path) && !isDirectory(join(directory, deed.as))) {
        copyFileSync(path, join(directory, deed.as));
      }
      return;
    default:
      rmSync(path, { recursive: true });
  }
}

function rewrite(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
  if (!isDirectory(path)) writeFileSync(path, change(readFileSync(path)));
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

test(
  "whatever becomes of its files, a journal gives back what was written or says what it cannot read",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(deeds, { minLength: 1, maxLength: 3 }),
        async (which, all) => {
          const life = lives[which % lives.length] ?? expect.fail();
          const directory = freshDirectory();
          for (const [name, bytes] of life.files) writeFileSync(join(directory, name), bytes);
          for (const deed of all) carryOut(directory, deed);

          const opened = await openOrRefusal(directory);
          if (opened instanceof StorageError) expectNamed(opened, directory);
          else await expectTrue(opened, life, directory);
          rmSync(directory, { recursive: true, force: true });
        },
      ),
      runs(400),
    );
  },
  withinMs(60_000),
);

async function openOrRefusal(directory: string): Promise<Opened | StorageError> {
  try {
    return await open(directory);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

/** A refusal is for a person to act on: it says which file. */
function expectNamed({ message, fault }: StorageError, directory: string): void {
  const path = "path" in fault ? fault.path : fault.directory;
  expect(path.startsWith(`${directory}/`), message).toBe(true);
  expect(message).toContain(path);
}

async function expectTrue(
  { journal, lines, counted }: Opened,
  { logs, snapshots, promises }: Life,
  directory: string,
): Promise<void> {
  const { promised: word, snapshot, entries } = journal.recovered;
  expect([...promises, null]).toContainEqual(word);
  expect([...snapshots, null]).toContainEqual(snapshot);
  const base = snapshot?.at.index ?? 0;
  const found = namesOf(entries);
  expect(logs.map((log) => namesOf(log.slice(base)))).toContain(found);
  // Damage is told and counted; a torn tail is told.
  expect(lines.filter(({ level }) => level === "error")).toHaveLength(counted.length);

  const last = entries.at(-1) ?? snapshot?.at ?? origin;
  const more = entriesAfter(last, 4, "more");
  await journal.write([{ kind: "entries", after: last.index, entries: more }]);
  await journal.write([{ kind: "promise", promised: promised(99) }]);
  await journal.close();
  const again = await open(directory);
  expect(namesOf(again.journal.recovered.entries)).toBe(namesOf([...entries, ...more]));
  expect(again.journal.recovered.promised).toEqual(promised(99));
  await again.journal.close();
}

const namesOf = (entries: readonly Entry[]): string => entries.map(({ hash }) => hash).join();

function freshDirectory(): string {
  return mkdtempSync(join(root, "data-"));
}

function filesIn(directory: string): ReadonlyMap<string, Uint8Array> {
  const names = readdirSync(directory).filter((name) => !name.startsWith("lock"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
}
