import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CounterOperation,
  counterModel,
} from "../../../../scripts/chaos/judge/counterModel.ts";
import { checkLinearizable } from "../../../../scripts/chaos/judge/linearizability.ts";

type Span = readonly [invoked: number, returned: number];
const never = Number.POSITIVE_INFINITY;
const increment = (by: number, [invoked, returned]: Span, output: number | null) =>
  ({ input: { kind: "increment", by }, output, invoked, returned }) as const;
const read = ([invoked, returned]: Span, output: number) =>
  ({ input: { kind: "read" }, output, invoked, returned }) as const;
const judge = (...history: readonly CounterOperation[]) =>
  checkLinearizable(counterModel, history).linearizable;

test("an empty history is linearizable", () => {
  expect(judge()).toBe(true);
});

test("one call after another is linearizable when each sees the last", () => {
  expect(judge(increment(2, [1, 2], 2), read([3, 4], 2), increment(1, [5, 6], 3))).toBe(true);
});

test("a read that misses a finished increment is stale", () => {
  expect(judge(increment(2, [1, 2], 2), read([3, 4], 0))).toBe(false);
});

test("a read beside an increment may see it or not", () => {
  expect(judge(increment(2, [1, 4], 2), read([2, 3], 0))).toBe(true);
  expect(judge(increment(2, [1, 4], 2), read([2, 3], 2))).toBe(true);
});

test("a later read may not go back behind an earlier one", () => {
  const slow = increment(2, [1, 10], 2);
  expect(judge(slow, read([2, 3], 2), read([4, 5], 0))).toBe(false);
  expect(judge(slow, read([2, 3], 0), read([4, 5], 2))).toBe(true);
});

test("two increments that both answer the same value lost an update", () => {
  expect(judge(increment(1, [1, 5], 1), increment(1, [2, 6], 1))).toBe(false);
});

test("an increment applied twice shows in the values after it", () => {
  expect(judge(increment(1, [1, 2], 1), increment(1, [3, 4], 3))).toBe(false);
});

test("an acknowledged increment that vanished shows", () => {
  expect(judge(increment(1, [1, 2], 1), increment(5, [3, 4], 5))).toBe(false);
});

test("a call without an answer may have happened, or not, or happen late", () => {
  const unknown = increment(3, [1, never], null);
  expect(judge(unknown, read([2, 3], 0))).toBe(true);
  expect(judge(unknown, read([2, 3], 3))).toBe(true);
  expect(judge(unknown, read([2, 3], 0), read([4, 5], 3))).toBe(true);
  expect(judge(unknown, read([2, 3], 3), read([4, 5], 0))).toBe(false);
});

test("a call without an answer happens at most once", () => {
  expect(judge(increment(3, [1, never], null), read([2, 3], 6))).toBe(false);
});

test("nothing happens before it was asked for", () => {
  expect(judge(read([1, 2], 3), increment(3, [3, 4], 3))).toBe(false);
});

test("the verdict tells how much of a bad history fits", () => {
  const verdict = checkLinearizable(counterModel, [increment(1, [1, 2], 1), read([3, 4], 0)]);
  expect(verdict).toEqual({ linearizable: false, placed: 1, stuckAt: 1 });
});

/** A history that one copy really showed: each call takes effect at a moment within its span. */
const trueHistory = fc
  .array(
    fc.record({
      by: fc.integer({ min: 0, max: 3 }),
      at: fc.integer({ min: 0, max: 60 }),
      before: fc.integer({ min: 0, max: 9 }),
      after: fc.integer({ min: 0, max: 9 }),
      answered: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((calls) => {
    let value = 0;
    return calls
      .map((call, order) => ({ ...call, at: call.at + order / 100 }))
      .sort((a, b) => a.at - b.at)
      .map(({ by, at, before, after, answered }, order): CounterOperation => {
        value += by;
        const span = [at - before - order / 1e6, at + after + order / 1e6] as const;
        if (by === 0) return read(span, value);
        return answered ? increment(by, span, value) : increment(by, [span[0], never], null);
      });
  });

test("whatever one copy shows is linearizable", () => {
  fc.assert(fc.property(trueHistory, (history) => judge(...history)));
});

test("the search agrees with trying every order", () => {
  const few = fc.array(
    fc.record({
      by: fc.integer({ min: 0, max: 2 }),
      from: fc.integer({ min: 0, max: 9 }),
      length: fc.integer({ min: 1, max: 6 }),
      output: fc.integer({ min: 0, max: 4 }),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(few, (calls) => {
      const history = calls.map(({ by, from, length, output }, order) => {
        const span = [from + order / 100, from + length + order / 100 + 0.005] as const;
        return by === 0 ? read(span, output) : increment(by, span, output);
      });
      return judge(...history) === someOrderFits(history, 0);
    }),
    { numRuns: 2_000 },
  );
});

/** The plain version: any call that no other one finished before may come next. */
function someOrderFits(left: readonly CounterOperation[], value: number): boolean {
  if (left.length === 0) return true;
  const firstReturn = Math.min(...left.map(({ returned }) => returned));
  return left.some((operation) => {
    if (operation.invoked > firstReturn) return false;
    const after = counterModel.apply(value, operation.input, operation.output);
    const rest = left.filter((other) => other !== operation);
    return after !== null && someOrderFits(rest, after);
  });
}
