/**
 * Whatever was written, and wherever the files are then cut or a bit in them flips: what comes back
 * is a log that was durable at some time, or the snapshot alone, or nothing. Never anything else.
 */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Write } from "../../../node/src/consensus/effect.ts";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { origin, type Position } from "../../../node/src/consensus/log.ts";
import type { Journal, Recovered } from "../../../node/src/runtime/ports.ts";
import {
  entriesAfter,
  openNoting,
  promised,
  remainsOf,
  snapshotAt,
  temporaryDirectory,
} from "./sample.ts";

type Plan = { readonly kind: Write["kind"]; readonly back: number; readonly count: number };
/** `file` and `place` choose among what there is: a file, and how far into it. */
type Damage = {
  readonly kind: "cut" | "flip";
  readonly file: number;
  readonly place: number;
};
type Moment = { readonly log: readonly Entry[]; readonly promised: Recovered["promised"] };
type History = { readonly moments: readonly Moment[]; readonly snapshot: Recovered["snapshot"] };

const planned = fc.record<Plan>({
  kind: fc.constantFrom("entries", "entries", "entries", "promise", "snapshot", "install"),
  back: fc.nat(8),
  count: fc.nat(9),
});
const script = fc.array(fc.array(planned, { minLength: 1, maxLength: 3 }), { maxLength: 14 });
const damage = fc.record<Damage>({
  kind: fc.constantFrom("cut", "flip"),
  file: fc.nat(),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

const harms = fc.array(damage, { maxLength: 2 });

test("a crash at any byte, or any flipped bit, leaves what was durable at some time", async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.boolean(), harms, async (calls, isClosed, harm) => {
      const directory = temporaryDirectory();
      const { journal: first } = await openNoting(directory);
      const history = await live(first, calls);
      if (isClosed) await first.close();
      const remains = remainsOf(directory);
      await first.close();
      for (const each of harm) inflict(remains, each);

      const { journal } = await openNoting(remains);
      const { recovered } = journal;
      expectTrue(recovered, history, harm);
      const last = recovered.entries.at(-1) ?? recovered.snapshot?.at ?? origin;
      const more = entriesAfter(last, 4, "more");
      await journal.write([{ kind: "entries", after: last.index, entries: more }]);
      await journal.close();

      const again = await openNoting(remains);
      expect(again.journal.recovered).toEqual({
        ...recovered,
        entries: [...recovered.entries, ...more],
      });
      const aboutLog = again.lines.filter(({ fields }) => fields.file !== `${remains}/promises`);
      expect(aboutLog).toEqual([]);
      await again.journal.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);

/** Carries the script out, and notes what was durable after each call. */
async function live(journal: Journal, calls: readonly (readonly Plan[])[]): Promise<History> {
  const moments: Moment[] = [{ log: [], promised: null }];
  let log: readonly Entry[] = [];
  let word: Recovered["promised"] = null;
  let snapshot: Recovered["snapshot"] = null;
  let label = 0;
  for (const plans of calls) {
    const writes: Write[] = [];
    for (const { kind, back, count } of plans) {
      label += 1;
      const base = snapshot?.at.index ?? 0;
      const known: readonly Position[] = [origin, ...log];
      const at: Position = known[Math.max(known.length - 1 - back, base)] ?? origin;
      if (kind === "promise") {
        word = promised(label);
        writes.push({ kind, promised: word });
      } else if (kind === "entries") {
        const entries = entriesAfter(at, count, `${label}-`);
        log = [...log.slice(0, at.index), ...entries];
        writes.push({ kind, after: at.index, entries });
      } else {
        snapshot = snapshotAt(at, label);
        if (kind === "install") log = log.slice(0, at.index);
        writes.push(
          kind === "install"
            ? { kind, snapshot }
            : { kind, snapshot, keepAfter: Math.max(at.index - count, 0) },
        );
      }
      moments.push({ log, promised: word });
    }
    await journal.write(writes);
  }
  return { moments, snapshot };
}

function inflict(directory: string, harm: Damage): void {
  const names = readdirSync(directory).filter((name) => !name.startsWith("lock"));
  const name = names[harm.file % names.length];
  if (name === undefined) return;
  const path = join(directory, name);
  const place = harm.place * statSync(path).size;
  if (harm.kind === "cut") {
    truncateSync(path, Math.floor(place));
    return;
  }
  const bytes = readFileSync(path);
  const offset = Math.floor(place);
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << Math.floor((place - offset) * 8));
  writeFileSync(path, bytes);
}

function expectTrue(
  recovered: Recovered,
  { moments, snapshot }: History,
  harm: readonly Damage[],
): void {
  const final = moments.at(-1) ?? expect.fail();
  const base = recovered.snapshot?.at.index ?? 0;
  if (harm.length === 0) {
    expect(recovered).toEqual({
      promised: final.promised,
      snapshot,
      entries: final.log.slice(base),
    });
    return;
  }
  const words = [...new Set(moments.map((moment) => moment.promised))];
  expect([...words.slice(-2), null]).toContainEqual(recovered.promised);
  if (recovered.snapshot !== null) expect(recovered.snapshot).toEqual(snapshot);
  const hashes = recovered.entries.map(({ hash }) => hash).join();
  const baseHash = recovered.snapshot?.at.hash ?? origin.hash;
  const possible = moments
    .filter(({ log }) => (base === 0 ? origin : log[base - 1])?.hash === baseHash)
    .map(({ log }) =>
      log
        .slice(base)
        .map(({ hash }) => hash)
        .join(),
    );
  expect(["", ...possible]).toContain(hashes);
}
