import fc from "fast-check";
import { expect, test } from "vitest";
import type { MemberId } from "../../../node/src/consensus/ids.ts";
import {
  indexHeldByQuorum,
  isQuorumOfEach,
  quorumSize,
} from "../../../node/src/consensus/quorum.ts";
import { bootOf, rosterOfBoots } from "./support.ts";

const rosterOfSlots = (...slots: readonly number[]) =>
  rosterOfBoots(slots.map((slot) => bootOf(slot)));
const members = (...slots: readonly number[]): ReadonlySet<MemberId> =>
  new Set(slots.map((slot) => bootOf(slot).member));

// "`quorum = floor(n/2) + 1` over the roster of the term, for promises, acks, votes and
// certificates alike."
test("a quorum is the smallest majority", () => {
  expect([1, 2, 3, 4, 5, 6, 7].map(quorumSize)).toEqual([1, 2, 2, 3, 3, 4, 4]);
});

test("any two quorums share a member", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 256 }), (n) => 2 * quorumSize(n) > n));
});

// The argument of a rejoin: "a quorum without X in an old term and a quorum with X in a newer one
// always share a member other than X".
test("a quorum without a member and one with it share another member", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 256 }), (n) => {
      const others = n - 1;
      return quorumSize(n) + (quorumSize(n) - 1) > others;
    }),
  );
});

test("who is not on the roster does not count", () => {
  expect(isQuorumOfEach([rosterOfSlots(0, 1, 2)], members(0, 3, 4))).toBe(false);
  expect(isQuorumOfEach([rosterOfSlots(0, 1, 2)], members(0, 2, 4))).toBe(true);
});

test("joint rosters each need a quorum of their own", () => {
  const joint = [rosterOfSlots(0, 1, 2), rosterOfSlots(2, 3, 4)];
  expect(isQuorumOfEach(joint, members(0, 1, 2))).toBe(false);
  expect(isQuorumOfEach(joint, members(0, 2, 3))).toBe(true);
});

const reachedBySlot = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }), {
  minLength: 1,
  maxLength: 7,
});

test("the index that a quorum holds is the greatest that the plain count finds", () => {
  fc.assert(
    fc.property(reachedBySlot, reachedBySlot, (first, second) => {
      const reached = new Map(
        [...first, ...second].flatMap((index, slot) =>
          index === null ? [] : [[bootOf(slot % 7).member, index] as const],
        ),
      );
      const rosters = [first, second].map((side) => rosterOfSlots(...side.map((_, slot) => slot)));
      const holds = (index: number) => {
        const holders = [...reached].filter(([, held]) => held >= index).map(([member]) => member);
        return isQuorumOfEach(rosters, new Set(holders));
      };
      const plain = Array.from({ length: 21 }, (_, index) => 20 - index).find(holds) ?? 0;
      expect(indexHeldByQuorum(rosters, reached)).toBe(plain);
    }),
  );
});

test("no roster holds nothing", () => {
  expect(indexHeldByQuorum([], new Map())).toBe(0);
});
