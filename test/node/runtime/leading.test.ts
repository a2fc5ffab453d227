import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import type { Following, Office, Replica } from "../../../node/src/consensus/replica.ts";
import { leads, serving, servingLeader } from "../../../node/src/runtime/leading.ts";
import { bootOf, registered, rosterOfBoots, viewOf } from "../consensus/support.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const roster = rosterOfBoots([a, b, c]);
const following: Following = {
  term: term(1),
  leader: a,
  active: true,
  goesOn: false,
  heardMs: 0,
  heardAwakeMs: 0,
  rejoinAskedMs: 0,
};

function followerIn(viewTerm: number, leader: typeof a, changes: Partial<Following>): Replica {
  const replica = registered(b, viewOf(roster, viewTerm, leader), [a, c]);
  return { ...replica, following: { ...following, ...changes } };
}

test("a follower knows its leader through a term that only changes the members", () => {
  expect(servingLeader(followerIn(1, a, {}))).toBe(a.member);
  expect(servingLeader(followerIn(2, a, {}))).toBe(a.member);
  const starting = { term: term(2), active: false, goesOn: true };
  expect(servingLeader(followerIn(2, a, starting))).toBe(a.member);
});

test("a leader that the contract replaced, or that never was active, is none", () => {
  expect(servingLeader(followerIn(2, c, {}))).toBeNull();
  expect(servingLeader(followerIn(1, a, { active: false }))).toBeNull();
});

test.each([
  ["active", 0, true],
  ["starting", 0, false],
  ["starting", -1, true],
  ["gathering", -1, true],
  ["barred", -1, false],
] as const)("in office, %s, having led since %i: leads %s", (stage, ledSinceMs, isLeading) => {
  const replica = registered(a, viewOf(roster, 1, a), [b, c]);
  const office = replica.office;
  if (office === null) throw new Error("expected an office");
  const held: Office = { ...office, stage, sinceMs: 0, ledSinceMs };
  expect(leads({ ...replica, office: held })).toBe(isLeading);
});

test("the boot that serves is told with its term, and whether it is this one", () => {
  expect(serving(followerIn(1, a, {}))).toEqual({
    bootKey: a.bootKey,
    term: term(1),
    isSelf: false,
  });
  expect(serving(followerIn(2, c, {}))).toBeNull();
  const replica = registered(a, viewOf(roster, 1, a), [b, c]);
  const office = { ...(replica.office ?? expect.unreachable()), stage: "active" as const };
  expect(serving({ ...replica, office })).toEqual({
    bootKey: a.bootKey,
    term: office.term,
    isSelf: true,
  });
});
