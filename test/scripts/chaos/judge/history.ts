/** A small run, told by hand: what a good cluster leaves behind, to be doctored by tests. */
import type { Operation } from "../../../../scripts/chaos/history.ts";
import type { Evidence } from "../../../../scripts/chaos/judge/judge.ts";
import type { Strike } from "../../../../scripts/chaos/nemesis.ts";
import type { LogEntry } from "../../../../scripts/chaos/observe/logs.ts";

const ms = 1e6;

const operation: Operation = {
  id: 0,
  client: 0,
  kind: "increment",
  by: null,
  key: null,
  invokedNs: 0,
  completedNs: 0,
  outcome: "ok",
  value: null,
  index: null,
  term: 1,
  node: 0,
  askedNs: 0,
  attempts: 1,
  error: null,
};

type Times = readonly [invokedMs: number, completedMs: number];

export function increment(by: number, [from, to]: Times, given: Partial<Operation>): Operation {
  const times = { invokedNs: from * ms, askedNs: from * ms, completedNs: to * ms };
  return { ...operation, id: by, by, key: `key-${by}`, ...times, ...given };
}

export function read(id: number, [from, to]: Times, given: Partial<Operation>): Operation {
  const times = { invokedNs: from * ms, askedNs: from * ms, completedNs: to * ms };
  return { ...operation, id, kind: "read", ...times, ...given };
}

export function entry(index: number, given: Partial<LogEntry>): LogEntry {
  const kind = given.by === undefined ? "mark" : "command";
  return { index, term: 1, kind, hash: `hash-${index}`, by: null, result: null, ...given };
}

export function strike(given: Partial<Strike>): Strike {
  return {
    number: 1,
    name: "kill",
    target: "leader",
    position: 0,
    plannedMs: 0,
    startedNs: 0,
    healNs: 0,
    healedNs: 0,
    wellNs: 0,
    affected: [],
    writesGoOn: false,
    detail: null,
    skipped: null,
    ...given,
  };
}

const checkpoint = { index: 4, logRoot: "0x11", stateHash: "0x22" };
const final = { appliedIndex: 6, value: 35, checkpoint };

/** Increments by 2, 3 (as entry 4, and again as 5: a retry) and 30; reads between them. */
export const good: Evidence = {
  operations: [
    increment(2, [0, 10], { value: 2, index: 3 }),
    read(1_001, [12, 14], { value: 2, index: 3 }),
    increment(3, [15, 40], { value: 5, index: 4, attempts: 2, node: 1 }),
    increment(30, [20, 90], { outcome: "unknown", error: "client.timeout" }),
    read(1_002, [95, 99], { value: 35, index: 6 }),
    read(1_003, [95, 99], { kind: "local-read", value: 5, index: 5, node: 2 }),
    increment(7, [50, 60], { outcome: "failed", error: "leader.unknown" }),
  ],
  strikes: [],
  entries: [
    entry(1, { kind: "term-start" }),
    entry(2, {}),
    entry(3, { by: 2, result: 2 }),
    entry(4, { by: 3, result: 5 }),
    entry(5, { by: 3, result: 5 }),
    entry(6, { by: 30, result: 35 }),
  ],
  conflicts: [],
  offices: [
    { node: "node1", boot: "17", term: 1 },
    { node: "node2", boot: "18", term: 2 },
  ],
  endings: [{ node: "node3", exitCode: 75, why: "another boot of this member rejoined" }],
  terms: [1, 2],
  finals: ["node1", "node2", "node3"].map((node) => ({ node, ...final })),
  stuck: null,
};

/** The same with one operation changed. */
export function withOperation(id: number, given: Partial<Operation>): Evidence {
  const operations = good.operations.map((each) => (each.id === id ? { ...each, ...given } : each));
  return { ...good, operations };
}

export function withEntry(index: number, given: Partial<LogEntry>): Evidence {
  const entries = good.entries.map((each) => (each.index === index ? { ...each, ...given } : each));
  return { ...good, entries };
}
