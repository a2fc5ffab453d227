import fc from "fast-check";
import { expect, test } from "vitest";
import {
  emptyTable,
  type KeyTable,
  recall,
  recordsOf,
  remember,
} from "../../../node/src/application/keys.ts";

type Table = KeyTable<string>;

function write(table: Table, key: string, index: number): Table {
  return remember(table, key, { index, fingerprint: "f", outcome: `${key}@${index}` });
}
const outcomeAt = (table: Table, key: string, index: number): string | null =>
  recall(table, key, index)?.outcome ?? null;

test("a key is known for exactly the window's entries after the one that brought it", () => {
  for (const start of [1, 3, 5, 9, 10]) {
    const table = write(emptyTable(10), "a", start);
    expect(outcomeAt(table, "a", start + 10)).toBe(`a@${start}`);
    expect(outcomeAt(table, "a", start + 11)).toBeNull();
  }
});

/** The plain version: everything ever written, with the window checked on reading. */
type Model = ReadonlyMap<string, number>;
const recallPlainly = (model: Model, key: string, index: number, window: number) => {
  const written = model.get(key);
  return written !== undefined && index - written <= window ? `${key}@${written}` : null;
};

const script = fc.record({
  window: fc.integer({ min: 1, max: 30 }),
  steps: fc.array(
    fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      gap: fc.integer({ min: 1, max: 9 }),
    }),
    { maxLength: 120 },
  ),
});

test("the table answers like a plain map with the window checked on reading", () => {
  fc.assert(
    fc.property(script, ({ window, steps }) => {
      let table: Table = emptyTable(window);
      let model: Model = new Map();
      let index = 0;
      for (const { key, gap } of steps) {
        index += gap;
        const known = outcomeAt(table, key, index);
        expect(known).toBe(recallPlainly(model, key, index, window));
        if (known !== null) continue;
        table = write(table, key, index);
        model = new Map(model).set(key, index);
      }
      expect(table.generations.length).toBeLessThanOrEqual(3);
    }),
  );
});

test("older tables stay what they were, and may be continued otherwise", () => {
  fc.assert(
    fc.property(script, fc.infiniteStream(fc.nat()), ({ window, steps }, picks) => {
      const branches: { table: Table; model: Model }[] = [
        { table: emptyTable(window), model: new Map() },
      ];
      let index = 0;
      for (const { key, gap } of steps) {
        index += gap;
        const pick = (picks.next().value ?? 0) % branches.length;
        const from = branches[pick] ?? { table: emptyTable(window), model: new Map() };
        if (recall(from.table, key, index) !== null) continue;
        const model = new Map(from.model).set(key, index);
        branches.push({ table: write(from.table, key, index), model });
      }
      for (const { table, model } of branches) {
        // As of the table's own last entry: later ones it does not know.
        const last = Math.max(0, ...model.values());
        for (const key of "abcde") {
          expect(outcomeAt(table, key, last)).toBe(recallPlainly(model, key, last, window));
        }
      }
    }),
  );
});

const textOf = (table: Table): string =>
  [...recordsOf(table)].map(([, record]) => record.outcome).join(" ");

test("records come oldest first", () => {
  let table: Table = emptyTable(100);
  for (const [at, key] of ["c", "a", "b"].entries()) table = write(table, key, 49 + at);
  expect(textOf(table)).toBe("c@49 a@50 b@51");
});

test("what no one can ask for any more is dropped", () => {
  let table: Table = emptyTable(100);
  for (let index = 1; index <= 10_000; index += 1) table = write(table, `key ${index}`, index);
  const kept = [...recordsOf(table)].length;
  expect(kept).toBeGreaterThanOrEqual(100);
  expect(kept).toBeLessThanOrEqual(150);
});
