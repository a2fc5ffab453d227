/**
 * A journal without a disk, for tests and the simulation: nothing in it depends on time or chance.
 * It keeps the contract of the real one (test/node/storage/journal.contract.ts).
 */
import { strict as assert } from "node:assert";
import type { Promised, Write } from "../../node/src/consensus/effect.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Snapshot } from "../../node/src/consensus/snapshot.ts";
import type { Journal, Recovered } from "../../node/src/runtime/ports.ts";
import { covers } from "../../node/src/storage/frontier.ts";

export type MemoryDisk = {
  /** A journal over what is durable now. An open one is crashed first. */
  open(): Journal;
  /** Number of writes (not calls) that are not durable yet. */
  pendingCount(): number;
  /** Makes the oldest `calls` durable and resolves them; all of them unless told. */
  sync(calls?: number): void;
  /**
   * The process ends. What is not durable is lost, but for the oldest `kept` writes: they had
   * reached the disk, and nobody was told. Calls under way never settle.
   */
  crash(kept?: number): void;
  /** Another disk with what is durable now: an old disk for later, or a clone's. */
  copy(): MemoryDisk;
};

type Durable = {
  promised: Promised | null;
  snapshot: Snapshot | null;
  entries: readonly Entry[];
};
type Call = { readonly writes: readonly Write[]; readonly resolve: () => void };

/** @param syncing `at-once`: every call is durable when it returns; `when-told`: by `sync` alone */
export function memoryDisk(
  syncing: "at-once" | "when-told" = "at-once",
  content: Durable = { promised: null, snapshot: null, entries: [] },
): MemoryDisk {
  const durable = { ...content };
  let calls: Call[] = [];
  let boot = 0;

  function sync(count = calls.length): void {
    for (const { writes, resolve } of calls.splice(0, count)) {
      for (const write of writes) apply(durable, write);
      resolve();
    }
  }

  function crash(kept = 0): void {
    const writes = calls.flatMap((call) => call.writes);
    for (const write of writes.slice(0, kept)) apply(durable, write);
    calls = [];
    boot += 1;
  }

  return {
    open() {
      crash();
      const openedAs = boot;
      let isClosed = false;
      return {
        recovered: recoveredFrom(durable),
        write(writes) {
          if (isClosed) return Promise.reject(new Error("the journal was closed"));
          return new Promise((resolve) => {
            if (boot !== openedAs) return;
            calls.push({ writes, resolve });
            if (syncing === "at-once") sync();
          });
        },
        health: () => ({ ok: true }),
        async close() {
          isClosed = true;
          if (boot === openedAs) sync();
        },
      };
    },
    pendingCount: () => calls.reduce((sum, { writes }) => sum + writes.length, 0),
    sync,
    crash,
    copy: () => memoryDisk(syncing, durable),
  };
}

function recoveredFrom({ promised, snapshot, entries }: Durable): Recovered {
  return { promised, snapshot, entries };
}

function apply(durable: Durable, write: Write): void {
  switch (write.kind) {
    case "promise":
      durable.promised = write.promised;
      return;
    case "entries": {
      const base = durable.snapshot?.at.index ?? 0;
      const last = base + durable.entries.length;
      assert(write.after <= last, `entries follow index ${write.after}, the log ends at ${last}`);
      const kept = durable.entries.slice(0, Math.max(write.after - base, 0));
      durable.entries = [...kept, ...write.entries.filter(({ index }) => index > base)];
      return;
    }
    case "snapshot": {
      const { at } = write.snapshot;
      durable.snapshot = believable(write.snapshot);
      durable.entries = durable.entries.filter(({ index }) => index > at.index);
      return;
    }
    case "install":
      durable.snapshot = believable(write.snapshot);
      durable.entries = [];
      return;
    default:
      write satisfies never;
  }
}

function believable(snapshot: Snapshot): Snapshot {
  const { at, tree } = snapshot;
  assert(covers(tree, at.index), `a snapshot at ${at.index} with the tree of ${tree.size} entries`);
  return snapshot;
}
