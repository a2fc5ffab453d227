import { expect, test } from "vitest";
import { type Evidence, judge } from "../../../../scripts/chaos/judge/judge.ts";
import { good, increment, read, strike, withEntry, withOperation } from "./history.ts";

const findingsOf = (evidence: Evidence) =>
  judge(evidence).findings.map(({ check, text }) => `${check}: ${text}`);

test("a run that shows one copy passes every check", () => {
  const { checks, findings } = judge(good);
  expect(findings).toEqual([]);
  expect(checks).toHaveLength(11);
});

test("an acknowledged write that is in no log is lost", () => {
  const evidence = { ...good, operations: [increment(9, [0, 5], { value: 9, index: 3 })] };
  expect(findingsOf(evidence)).toContain(
    "no acknowledged write lost: write 9 (by 9, acknowledged at 3) is in no log",
  );
});

test("an acknowledged write that the log has elsewhere was lost and made again", () => {
  expect(findingsOf(withOperation(3, { index: 5 }))).toEqual([
    "no acknowledged write lost: write 3 (by 3) was acknowledged at 5 with 5, but the log has it at 4 with 5",
  ]);
});

test("a read that misses what was acknowledged before it is stale", () => {
  expect(findingsOf(withOperation(1_001, { value: 0, index: 2 }))).toEqual([
    "linearizable: it went back: operation 2 (increment to 2) ended before operation 1001 (read to 0) began",
  ]);
});

test("a read of what never was is caught, a local one as well", () => {
  expect(findingsOf(withOperation(1_003, { value: 4 }))).toEqual([
    "reads show a state there was: local-read 1003 at node 3 showed 4 as of 5: it was 5",
  ]);
});

test("a local read may be old", () => {
  expect(findingsOf(withOperation(1_003, { value: 2, index: 3 }))).toEqual([]);
});

test("an increment that was applied twice is caught by what it led to", () => {
  expect(findingsOf(withEntry(5, { result: 8 }))).toEqual([
    "each write at most once: entry 5 adds 3, the operation already applied at 4, and led to 8 instead of 5",
  ]);
});

test("two increments that took the same step lost an update", () => {
  const twice = increment(4, [30, 35], { value: 6, index: 7 });
  const evidence = { ...good, operations: [...good.operations, twice] };
  expect(findingsOf(evidence)).toContain(
    "linearizable: two increments took the same step: operation 3 (increment to 5) ended before operation 4 (increment to 6) began",
  );
});

test("a write that was refused for good must not happen", () => {
  expect(findingsOf(withOperation(30, { outcome: "failed", error: "leader.unknown" }))).toEqual([
    "each write at most once: write 30 was refused for good (leader.unknown), but stands at 6",
  ]);
});

test("an entry that nobody asked for is caught", () => {
  const operations = good.operations.filter(({ id }) => id !== 30);
  expect(findingsOf({ ...good, operations })).toContain(
    "each write at most once: entry 6 adds 30, which nobody asked for",
  );
});

test("a repeat is answered as the first time, without taking effect again", () => {
  const again = increment(2, [94, 98], { id: 77, kind: "repeat", value: 2, index: 3 });
  expect(findingsOf({ ...good, operations: [...good.operations, again] })).toEqual([]);
  const anew = { ...again, value: 37, index: 7 };
  expect(findingsOf({ ...good, operations: [...good.operations, anew] })).toEqual([
    "no acknowledged write lost: write 77 (by 2) was acknowledged at 7 with 37, but the log has it at 3 with 2",
  ]);
});

test("nodes whose logs differ are named", () => {
  const conflicts = [{ index: 4, nodes: [0, 2], what: "hash aa and bb" }] as const;
  expect(findingsOf({ ...good, conflicts })).toEqual([
    "logs equal: nodes 1 and 3 differ at 4: hash aa and bb",
  ]);
});

test("what no node showed is said to be unchecked", () => {
  const entries = good.entries.filter(({ index }) => index !== 4);
  expect(findingsOf({ ...good, entries })).toContain(
    "logs equal: no node showed entry 4: what follows is unchecked",
  );
});

test("a term that falls along the log is caught", () => {
  expect(findingsOf(withEntry(3, { term: 2 }))).toEqual([
    "logs equal: the term falls from 2 to 1 at 4",
  ]);
});

test("a node that ends with another state, another checkpoint or behind is named", () => {
  const [first, second, third] = good.finals;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three");
  const finalsAre = (...finals: typeof good.finals) => findingsOf({ ...good, finals });
  expect(finalsAre(first, { ...second, value: 34 }, third)).toEqual([
    "states equal: node2 ends with 34, not 35",
  ]);
  expect(finalsAre(first, second, { ...third, appliedIndex: 5 })).toEqual([
    "states equal: node3 ends at 5, others at 6",
  ]);
  const other = { index: 4, logRoot: "0x11", stateHash: "0x33" };
  expect(finalsAre(first, second, { ...third, checkpoint: other })).toEqual([
    "states equal: node3: checkpoint 4 log 0x11 state 0x33; node1: 4 log 0x11 state 0x22",
  ]);
});

test("two leaders in one term are caught, two boots of one node as well", () => {
  const offices = [...good.offices, { node: "node3", boot: "19", term: 2 }];
  expect(findingsOf({ ...good, offices })).toEqual([
    "one leader a term: term 2: node2 (18) and node3 (19)",
  ]);
  const boots = [...good.offices, { node: "node2", boot: "20", term: 2 }];
  expect(findingsOf({ ...good, offices: boots })).toEqual([
    "one leader a term: term 2: node2 (18) and node2 (20)",
  ]);
});

test("a term that the chain skips or repeats is caught", () => {
  expect(findingsOf({ ...good, terms: [1, 3] })).toEqual([
    "terms in order on-chain: 2 was to begin, not 3",
  ]);
});

test("a node that stopped for a broken invariant is a violation, one that was replaced is none", () => {
  const endings = [...good.endings, { node: "node1", exitCode: 70, why: "two logs differ" }];
  expect(findingsOf({ ...good, endings })).toEqual([
    "no node gave up: node1 ended with exit code 70: two logs differ",
  ]);
});

test("writes that stop during a fault that clients may not notice are a violation", () => {
  const during = strike({ startedNs: 0, healNs: 20e9, healedNs: 20e9, affected: [1] });
  const quiet = { ...good, strikes: [{ ...during, name: "chain-stop", writesGoOn: true }] };
  expect(findingsOf(quiet)).toEqual([
    "writes go on where promised: fault 1, chain-stop: no write for 20.0 s",
  ]);
  expect(findingsOf({ ...good, strikes: [during] })).toEqual([]);
});

test("a cluster that does not come back is a violation", () => {
  expect(findingsOf({ ...good, stuck: "after kill: node1: recovering" })).toEqual([
    "well again after each fault: after kill: node1: recovering",
  ]);
});

test("of many findings a few are told, and the rest is counted", () => {
  const reads = Array.from({ length: 9 }, (_, at) =>
    read(2_000 + at, [95, 99], { kind: "local-read", value: 1, index: 3 }),
  );
  const found = findingsOf({ ...good, operations: [...good.operations, ...reads] });
  expect(found).toHaveLength(6);
  expect(found.at(-1)).toBe("reads show a state there was: and 4 more");
});
