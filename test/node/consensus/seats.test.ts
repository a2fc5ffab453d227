import fc from "fast-check";
import { expect, test } from "vitest";
import type { Body } from "../../../node/src/consensus/entry.ts";
import {
  noSeats,
  type OpenSeats,
  seatsAfter,
  settleRosters,
  validBoot,
} from "../../../node/src/consensus/seats.ts";
import { bootOf, chain, command, rosterOfBoots } from "./support.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const genesis = rosterOfBoots([a, b, c]);
const start = { kind: "term-start", roster: genesis, cold: false } as const;
const rejoinOf = (slot: number, ordinal: number) => {
  const { member, bootKey } = bootOf(slot, ordinal);
  return { kind: "rejoin", member, bootKey } as const;
};
const fold = (...bodies: readonly Body[]): OpenSeats =>
  seatsAfter(noSeats, chain(bodies.map((body) => [1, body] as const)));

// "A member's valid boot key is the one in its latest `rejoin` or cold `term-start` in the log,
// committed or not;"
test("the latest rejoin names the boot that speaks for a member", () => {
  const seats = fold(start, rejoinOf(1, 2), command(1), rejoinOf(1, 3));
  expect(validBoot(seats, genesis, b.member)).toBe(bootOf(1, 3).bootKey);
  expect(validBoot(seats, genesis, a.member)).toBe(a.bootKey);
  expect(seats.namedAt.get(b.member)).toBe(4);
});

test("a cold start replaces what rejoins said", () => {
  const cold = rosterOfBoots([bootOf(0, 2), bootOf(1, 4), c]);
  const seats = fold(start, rejoinOf(1, 2), { kind: "term-start", roster: cold, cold: true });
  expect(validBoot(seats, genesis, b.member)).toBe(bootOf(1, 4).bootKey);
  expect(validBoot(seats, genesis, a.member)).toBe(bootOf(0, 2).bootKey);
  expect(seats.namedAt.get(c.member)).toBe(3);
  expect(seats.coldTerm).toBe(1);
});

// "failing that, the one under which a `term-start` first listed it since it was last admitted;"
test("a later term-start does not bring an older boot back", () => {
  const seats = fold(start, rejoinOf(1, 2), start);
  expect(validBoot(seats, genesis, b.member)).toBe(bootOf(1, 2).bootKey);
});

test("a member that left and was admitted again speaks by its new boot", () => {
  const without = { ...start, roster: rosterOfBoots([a, b]) };
  const readmitted = { ...start, roster: rosterOfBoots([a, b, bootOf(2, 2)]) };
  expect(validBoot(fold(start, without, readmitted), genesis, c.member)).toBe(bootOf(2, 2).bootKey);
});

// "the contract's roster gives it only for a member that no `term-start` lists yet."
test("the contract's roster speaks only for a member that the log does not list", () => {
  const grown = rosterOfBoots([bootOf(0, 9), b, c, bootOf(3)]);
  expect(validBoot(fold(start), grown, bootOf(3).member)).toBe(bootOf(3).bootKey);
  expect(validBoot(fold(start), grown, a.member)).toBe(a.bootKey);
  expect(validBoot(fold(start), grown, bootOf(4).member)).toBeUndefined();
});

// "A log names a boot key once".
test("every key that the log named is remembered, whoever speaks now", () => {
  const { named } = fold(start, rejoinOf(1, 2), rejoinOf(1, 3));
  const keys = [a, b, c, bootOf(1, 2), bootOf(1, 3)].map(({ bootKey }) => bootKey);
  expect([...named].sort()).toEqual(keys.sort());
});

test("a committed term-start settles the rosters before it", () => {
  const seats = fold(start, start, start);
  expect(settleRosters(seats, 0).rosters.map(({ index }) => index)).toEqual([1, 2, 3]);
  expect(settleRosters(seats, 2).rosters.map(({ index }) => index)).toEqual([2, 3]);
  expect(settleRosters(seats, 9).rosters.map(({ index }) => index)).toEqual([3]);
});

test("folding in parts gives what folding at once gives", () => {
  const body: fc.Arbitrary<Body> = fc.oneof(
    fc.constant(start),
    fc.constant(command(7)),
    fc.tuple(fc.nat(2), fc.integer({ min: 2, max: 9 })).map(([slot, nth]) => rejoinOf(slot, nth)),
  );
  fc.assert(
    fc.property(fc.array(body, { maxLength: 12 }), fc.nat(12), (bodies, at) => {
      const entries = chain(bodies.map((one) => [1, one] as const));
      const inParts = seatsAfter(seatsAfter(noSeats, entries.slice(0, at)), entries.slice(at));
      expect(inParts).toEqual(seatsAfter(noSeats, entries));
    }),
  );
});
