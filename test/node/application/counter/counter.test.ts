import fc from "fast-check";
import { expect, test } from "vitest";
import { byMax, counter, isIncrement } from "../../../../node/src/application/counter/counter.ts";
import { term } from "../../../../node/src/consensus/ids.ts";

const place = { index: 1, term: term(1), timeMs: 0, caller: { kind: "anonymous" } } as const;

test("an increment adds to the value and answers the sum", () => {
  const applied = counter.apply({ value: 40 }, { by: 2 }, place);
  expect(applied).toEqual({ kind: "applied", state: { value: 42 }, result: 42 });
});

test("the counter reaches the largest safe integer and refuses to pass it", () => {
  const full = Number.MAX_SAFE_INTEGER;
  expect(counter.apply({ value: full - 5 }, { by: 5 }, place)).toMatchObject({ result: full });
  const refused = counter.apply({ value: full - 5 }, { by: 6 }, place);
  expect(refused).toEqual({
    kind: "refused",
    reason: `the counter stands at ${full - 5} and holds at most ${full}: 6 is too much`,
  });
});

test("every increment in range survives its encoding", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: byMax }), (by) => {
      expect(counter.commands.decode(counter.commands.encode({ by }))).toEqual({ by });
    }),
  );
});

test("every value survives its encoding", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(counter.codec.decode(counter.codec.encode({ value }))).toEqual({ value });
      expect(counter.results.decode(counter.results.encode(value))).toBe(value);
    }),
  );
});

test.each(["", "0", "-1", "+1", "01", "1.0", "1e3", " 1", "2147483648", "NaN", "0x1"])(
  "the text %j is no increment",
  (text) => {
    expect(counter.commands.decode(text)).toBeNull();
  },
);

test.each(["", "-1", "00", "9007199254740992", "10000000000000000", "{}"])(
  "the text %j is no state",
  (text) => {
    expect(counter.codec.decode(text)).toBeNull();
  },
);

test("an increment is a whole number from 1 to 2147483647", () => {
  expect([1, byMax].map(isIncrement)).toEqual([true, true]);
  const others = [0, -1, 1.5, byMax + 1, Number.NaN, Number.POSITIVE_INFINITY];
  expect(others.filter(isIncrement)).toEqual([]);
});
