import fc from "fast-check";
import { expect, test } from "vitest";
import {
  disordersIn,
  overlapsIn,
  type Placed,
} from "../../../../scripts/chaos/judge/counterHistory.ts";
import {
  type CounterOperation,
  counterModel,
} from "../../../../scripts/chaos/judge/counterModel.ts";
import { checkLinearizable } from "../../../../scripts/chaos/judge/linearizability.ts";

const never = Number.POSITIVE_INFINITY;

test("an increment without an answer counts from its call on, and never ends", () => {
  const unknown: Placed = {
    id: 1,
    kind: "increment",
    before: 0,
    after: 3,
    invoked: 5,
    returned: never,
  };
  const early: Placed = { id: 2, kind: "read", before: 3, after: 3, invoked: 1, returned: 4 };
  expect(disordersIn([unknown, early])).toEqual([{ earlier: early, later: unknown }]);
  const beside = { ...early, returned: 6 };
  expect(disordersIn([unknown, beside])).toEqual([]);
});

/**
 * Calls whose answers place them: increments in some order, each by another amount, reads of some
 * value that there was; at any times. Half of all such histories are not linearizable.
 */
const history = fc
  .array(
    fc.record({
      isRead: fc.boolean(),
      from: fc.integer({ min: 0, max: 12 }),
      length: fc.integer({ min: 1, max: 12 }),
      sees: fc.nat(),
      answered: fc.boolean(),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((calls) => {
    const increments = calls.filter(({ isRead }) => !isRead);
    const values = [0];
    for (const order of increments.keys()) values.push((values.at(-1) ?? 0) + 2 ** order);
    let next = 0;
    return calls.map(({ isRead, from, length, sees, answered }, id): Placed => {
      const invoked = from + id / 100;
      const ended = from + length + id / 100 + 0.005;
      if (isRead) {
        const value = values[sees % values.length] ?? 0;
        return { id, kind: "read", before: value, after: value, invoked, returned: ended };
      }
      next += 1;
      const [before = 0, after = 0] = values.slice(next - 1, next + 1);
      const returned = answered ? ended : never;
      return { id, kind: "increment", before, after, invoked, returned };
    });
  });

/** What the general search is given: an increment by what it adds, all answered in the end. */
function operationOf({ kind, before, after, invoked, returned }: Placed): CounterOperation {
  // One that the log shows did happen: it is answered, if late.
  const ended = returned === never ? 1_000 + invoked : returned;
  return kind === "read"
    ? { input: { kind: "read" }, output: after, invoked, returned: ended }
    : { input: { kind: "increment", by: after - before }, output: after, invoked, returned: ended };
}

test("it agrees with the general search", () => {
  fc.assert(
    fc.property(history, (placed) => {
      const { linearizable } = checkLinearizable(counterModel, placed.map(operationOf));
      return (disordersIn(placed).length === 0) === linearizable;
    }),
    { numRuns: 3_000 },
  );
});

test("two increments that share a step are found, neighbours are not", () => {
  const step = (id: number, before: number, after: number): Placed => ({
    id,
    kind: "increment",
    before,
    after,
    invoked: id,
    returned: id + 0.5,
  });
  expect(overlapsIn([step(1, 0, 2), step(2, 2, 5)])).toEqual([]);
  expect(overlapsIn([step(1, 0, 2), step(2, 1, 5)])).toHaveLength(1);
});
