/** protocol.md, 3.3 to 3.5, 3.7 and 3.8: which boot speaks for a member, and when it is normal. */
import { expect, test } from "vitest";
import type { Body } from "../../../../node/src/consensus/entry.ts";
import type { Boot } from "../../../../node/src/consensus/ids.ts";
import {
  noSeats,
  type OpenSeats,
  seatsAfter,
  settleRosters,
  validBoot,
} from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  registered,
  restarted,
  rosterOfBoots,
  see,
  takeAll,
  viewOf,
} from "../support.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const genesis = rosterOfBoots([a, b, c]);
const startOf = (boots: readonly Boot[], cold = false): Body => ({
  kind: "term-start",
  roster: rosterOfBoots(boots),
  cold,
});
const rejoinOf = (one: Boot): Body => ({ kind: "rejoin", ...one });
type InTerm = readonly [term: number, body: Body];
const fold = (...bodies: readonly InTerm[]): OpenSeats => seatsAfter(noSeats, chain(bodies));
const [b2, b3] = [bootOf(1, 2), bootOf(1, 3)] as const;

test("3.3 a member's latest rejoin names its valid boot, committed or not", () => {
  const seats = fold([1, startOf([a, b, c])], [1, rejoinOf(b2)], [1, rejoinOf(b3)]);
  expect(validBoot(seats, genesis, b.member)).toBe(b3.bootKey);
  expect(validBoot(seats, genesis, a.member)).toBe(a.bootKey);
});

test("3.3 a cold term-start names all valid boots anew", () => {
  const again = [bootOf(0, 2), b, c];
  const seats = fold([1, startOf([a, b, c])], [1, rejoinOf(b2)], [2, startOf(again, true)]);
  const valid = again.map(({ member }) => validBoot(seats, genesis, member));
  expect(valid).toEqual(again.map(({ bootKey }) => bootKey));
});

test("3.3 a later term-start that is not cold brings no older boot back", () => {
  const seats = fold([1, startOf([a, b, c])], [1, rejoinOf(b2)], [2, startOf([a, b, c])]);
  expect(validBoot(seats, genesis, b.member)).toBe(b2.bootKey);
});

test("3.3 a member that was admitted again speaks by the boot of its new admission", () => {
  const seats = fold(
    [1, startOf([a, b, c])],
    [2, startOf([a, b])],
    [2, command(1)],
    [3, startOf([a, b, bootOf(2, 2)])],
  );
  expect(validBoot(seats, genesis, c.member)).toBe(bootOf(2, 2).bootKey);
});

test("3.3 the contract's roster decides only for a member that no term-start lists", () => {
  const seats = fold([1, startOf([a, b, c])]);
  const grown = rosterOfBoots([bootOf(0, 9), b, c, d]);
  expect(validBoot(seats, grown, d.member)).toBe(d.bootKey);
  expect(validBoot(seats, grown, a.member)).toBe(a.bootKey);
});

test("3.4 every boot key that the log named is remembered, whoever speaks now", () => {
  const again = [bootOf(0, 2), bootOf(1, 4), bootOf(2, 2)];
  const bodies = [startOf([a, b, c]), rejoinOf(b2), rejoinOf(b3), startOf(again, true)];
  const { named } = fold(...bodies.map((body) => [1, body] as const));
  expect(named).toEqual(new Set([a, b, c, b2, b3, ...again].map(({ bootKey }) => bootKey)));
});

test("3.5 the rosters behind the last settled term-start are in play", () => {
  const seats = fold([1, startOf([a, b, c])], [2, startOf([a, b])], [3, startOf([a, b, d])]);
  const inPlay = (at: number) => settleRosters(seats, at).rosters.map(({ index }) => index);
  expect([0, 1, 2, 3].map(inPlay)).toEqual([[1, 2, 3], [1, 2, 3], [2, 3], [3]]);
});

test("3.5 an entry of its own term behind a term-start shows that this was committed", () => {
  const started: readonly InTerm[] = [
    [1, startOf([a, b, c])],
    [2, startOf([a, b])],
  ];
  const inPlay = (...bodies: readonly InTerm[]) =>
    fold(...bodies).rosters.map(({ index }) => index);
  expect(inPlay(...started)).toEqual([1, 2]);
  expect(inPlay(...started, [2, command(1)])).toEqual([2]);
  expect(inPlay(...started, [3, startOf([a, b])])).toEqual([1, 2, 3]);
});

test("3.5 a member that only an earlier roster in play lists keeps its boot until that is settled", () => {
  const seats = fold([1, startOf([a, b, c])], [1, rejoinOf(bootOf(2, 2))], [2, startOf([a, b])]);
  const contract = rosterOfBoots([a, b]);
  expect(validBoot(seats, contract, c.member)).toBe(bootOf(2, 2).bootKey);
  expect(validBoot(settleRosters(seats, 3), contract, c.member)).toBeUndefined();
});

test("3.5 so does one that two changes in a row have removed, neither of them settled", () => {
  const seats = fold([1, startOf([a, b, c])], [2, startOf([a, b])], [3, startOf([a])]);
  const contract = rosterOfBoots([a]);
  expect(validBoot(seats, contract, c.member)).toBe(c.bootKey);
  expect(validBoot(settleRosters(seats, 2), contract, c.member)).toBeUndefined();
  expect(validBoot(settleRosters(seats, 2), contract, b.member)).toBe(b.bootKey);
});

const view = viewOf(genesis, 4, a);
const [start, second] = chain([
  [4, startOf([a, b, c])],
  [4, command(1)],
]);
const entries = [start, second].filter((entry) => entry !== undefined);

test("3.7 a boot that registered is normal as soon as the roster lists it", () => {
  const listing = registered(b, viewOf(rosterOfBoots([a, c]), 3, a), [a]);
  expect(listing.status).toBe("recovering");
  expect(step(listing, see(view)).replica.status).toBe("normal");
});

test("3.7 a boot that registered is not normal while the roster lists another of its member", () => {
  const other = viewOf(rosterOfBoots([a, b2, c]), 4, a);
  expect(registered(b, other, [a]).status).toBe("recovering");
});

test("3.7 a registered boot whose log has another boot speak must rejoin", () => {
  const listed = viewOf(rosterOfBoots([a, b2, c]), 4, a);
  const fresh = registered(b2, listed, [a]);
  expect(fresh.status).toBe("normal");
  const told = step(fresh, hear(a, appendOf(listed, { entries, commitIndex: 2 })));
  expect(told.replica.status).toBe("recovering");
  expect(messagesOf(told.effects, "ack")).toMatchObject([{ status: "recovering" }]);
  const later = appendOf(listed, { previous: lastOf(entries), commitIndex: 2 });
  const asked = takeAll(told.replica, [
    { kind: "tick", monotonicMs: 500, wallMs: 0 },
    hear(a, later),
  ]);
  expect(messagesOf(asked.effects, "rejoin-request", a)).toHaveLength(1);
});

test("3.7 being listed makes no boot normal that did not register", () => {
  expect(restarted(b, {}, view).status).toBe("recovering");
});

test("3.8 a boot that did not register is recovering until the entry that names it is known to be committed", () => {
  const blank = restarted(b, {}, view, [a]);
  const holding = step(blank, hear(a, appendOf(view, { entries: entries.slice(0, 1) }))).replica;
  expect(holding.log.last.index).toBe(1);
  expect(holding.status).toBe("recovering");
  const word = { previous: holding.log.last, entries: entries.slice(1), commitIndex: 1 };
  expect(step(holding, hear(a, appendOf(view, word))).replica.status).toBe("normal");
});
