/** What every journal does, whatever it is made of. */
import { describe, expect, test } from "vitest";
import type { Write } from "../../../node/src/consensus/effect.ts";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import type { Journal, Recovered } from "../../../node/src/runtime/ports.ts";
import {
  appending,
  entriesAfter,
  firstEntries,
  ofEveryKind,
  promised,
  snapshotAt,
  treeOf,
} from "./sample.ts";

export type JournalMaker = {
  open(): Promise<Journal>;
  /** The process ends without closing the journal that was opened last. */
  crash(): Promise<void>;
};

export function journalContract(name: string, make: () => JournalMaker): void {
  describe(name, () => {
    logContract(make);
    snapshotContract(make);
    orderContract(make);
    restartContract(make);
  });
}

function logContract(make: () => JournalMaker): void {
  test("a new journal holds nothing and is healthy", async () => {
    const journal = await make().open();
    expect(journal.recovered).toEqual({ promised: null, snapshot: null, entries: [] });
    expect(journal.health()).toEqual({ ok: true });
    await journal.close();
  });

  test("entries come back as they were written", async () => {
    const entries = firstEntries(30);
    const recovered = await afterRestart(
      make,
      [appending(entries.slice(0, 1))],
      [appending(entries.slice(1, 20))],
      [appending(entries.slice(20))],
    );
    expect(recovered.entries).toEqual(entries);
  });

  test("entries of every kind come back", async () => {
    const entries = ofEveryKind();
    const recovered = await afterRestart(make, [appending(entries)]);
    expect(recovered.entries).toEqual(entries);
  });

  test("the latest promise comes back", async () => {
    const recovered = await afterRestart(
      make,
      [{ kind: "promise", promised: promised(1) }],
      [{ kind: "promise", promised: promised(2) }],
      [{ kind: "promise", promised: promised(9) }],
    );
    expect(recovered.promised).toEqual(promised(9));
  });

  test("entries replace what lay behind the index they follow", async () => {
    const old = firstEntries(30, "old");
    const replacing = entriesAfter(at(old, 10), 5, "new");
    const recovered = await afterRestart(make, [appending(old)], [appending(replacing)]);
    expect(recovered.entries).toEqual([...old.slice(0, 10), ...replacing]);
  });

  test("no entries after an index cut the log there", async () => {
    const entries = firstEntries(30);
    const cut: Write = { kind: "entries", after: 4, entries: [] };
    const recovered = await afterRestart(make, [appending(entries)], [cut]);
    expect(recovered.entries).toEqual(entries.slice(0, 4));
  });
}

function snapshotContract(make: () => JournalMaker): void {
  test("a snapshot stands for the entries up to it", async () => {
    const entries = firstEntries(60);
    const snapshot = snapshotAt(at(entries, 40));
    const recovered = await afterRestart(
      make,
      [appending(entries.slice(0, 50))],
      [{ kind: "snapshot", snapshot, keepAfter: 35 }],
      [appending(entries.slice(50))],
    );
    expect(recovered).toEqual({ promised: null, snapshot, entries: entries.slice(40) });
  });

  test("the latest snapshot wins, at the very end of the log too", async () => {
    const entries = firstEntries(60);
    const recovered = await afterRestart(
      make,
      [appending(entries)],
      [{ kind: "snapshot", snapshot: snapshotAt(at(entries, 20)), keepAfter: 0 }],
      [{ kind: "snapshot", snapshot: snapshotAt(at(entries, 60)), keepAfter: 60 }],
    );
    const snapshot = snapshotAt(at(entries, 60));
    expect(recovered).toEqual({ promised: null, snapshot, entries: [] });
  });

  test("an installed snapshot replaces the whole log, behind it as well", async () => {
    const old = firstEntries(30, "old");
    const others = firstEntries(12, "other");
    const snapshot = snapshotAt(at(others, 10));
    const recovered = await afterRestart(
      make,
      [appending(old)],
      [{ kind: "install", snapshot }],
      [appending(others.slice(10))],
    );
    expect(recovered).toEqual({ promised: null, snapshot, entries: others.slice(10) });
  });

  test.for(["snapshot", "install"] as const)(
    "a %s with another log's tree is a broken program's, and refused",
    async (kind) => {
      const journal = await make().open();
      const entries = firstEntries(10);
      await journal.write([appending(entries)]);
      const snapshot = { ...snapshotAt(at(entries, 10)), tree: treeOf(9) };
      await expect(journal.write([{ kind, snapshot, keepAfter: 0 }])).rejects.toThrow(
        "a snapshot at 10 with the tree of 9 entries",
      );
      await journal.close();
    },
  );

  test("an installed snapshot of the same log drops the entries behind it, too", async () => {
    const entries = firstEntries(30);
    const snapshot = snapshotAt(at(entries, 10));
    const recovered = await afterRestart(
      make,
      [appending(entries)],
      [{ kind: "install", snapshot }],
    );
    expect(recovered.entries).toEqual([]);
  });
}

function orderContract(make: () => JournalMaker): void {
  test("the writes of one call take effect in their order", async () => {
    const entries = firstEntries(20);
    const snapshot = snapshotAt(at(entries, 15));
    const recovered = await afterRestart(make, [
      appending(entries.slice(0, 10)),
      { kind: "promise", promised: promised(4) },
      appending(entries.slice(10)),
      { kind: "snapshot", snapshot, keepAfter: 15 },
      { kind: "entries", after: 18, entries: [] },
      { kind: "promise", promised: promised(5) },
    ]);
    expect(recovered).toEqual({
      promised: promised(5),
      snapshot,
      entries: entries.slice(15, 18),
    });
  });

  test("calls that overlap are carried out in their order", async () => {
    const maker = make();
    const journal = await maker.open();
    const entries = firstEntries(200);
    const resolved: number[] = [];
    const calls = entries.map(async (entry) => {
      await journal.write([appending([entry])]);
      resolved.push(entry.index);
    });
    await Promise.all(calls);
    await journal.close();
    expect(resolved).toEqual(entries.map(({ index }) => index));
    const again = await maker.open();
    expect(again.recovered.entries).toEqual(entries);
    await again.close();
  });

  test("closing waits for what was asked before", async () => {
    const maker = make();
    const journal = await maker.open();
    const writing = journal.write([appending(firstEntries(3))]);
    await journal.close();
    await expect(writing).resolves.toBeUndefined();
    const again = await maker.open();
    expect(again.recovered.entries).toEqual(firstEntries(3));
    await again.close();
  });

  test("a closed journal takes no writes", async () => {
    const journal = await make().open();
    await journal.close();
    await expect(journal.write([])).rejects.toThrow(/closed/);
  });
}

function restartContract(make: () => JournalMaker): void {
  test("what was resolved survives a crash", async () => {
    const maker = make();
    const entries = firstEntries(40);
    const snapshot = snapshotAt(at(entries, 20));
    const journal = await maker.open();
    await journal.write([appending(entries.slice(0, 30))]);
    await journal.write([{ kind: "promise", promised: promised(3) }]);
    await journal.write([{ kind: "snapshot", snapshot, keepAfter: 20 }]);
    await journal.write([appending(entries.slice(30))]);
    await maker.crash();
    const again = await maker.open();
    expect(again.recovered).toEqual({
      promised: promised(3),
      snapshot,
      entries: entries.slice(20),
    });
    await again.close();
  });

  test("a log that was read back goes on", async () => {
    const maker = make();
    const entries = firstEntries(50);
    for (let from = 0; from < 50; from += 10) {
      const journal = await maker.open();
      expect(journal.recovered.entries).toEqual(entries.slice(0, from));
      await journal.write([appending(entries.slice(from, from + 10))]);
      await journal.close();
    }
    const last = await maker.open();
    expect(last.recovered.entries).toEqual(entries);
    await last.close();
  });
}

/** What a restart finds after these calls, each waited for. */
async function afterRestart(
  make: () => JournalMaker,
  ...calls: readonly (readonly Write[])[]
): Promise<Recovered> {
  const maker = make();
  const journal = await maker.open();
  for (const writes of calls) await journal.write(writes);
  await journal.close();
  const { recovered, close } = await maker.open();
  await close();
  return recovered;
}

function at(entries: readonly Entry[], index: number): Entry {
  const entry = entries.find((candidate) => candidate.index === index);
  if (entry === undefined) throw new Error(`the sample has no entry ${index}`);
  return entry;
}
