import { expect, test } from "vitest";
import type { Outcome } from "../../../node/src/application/machine.ts";
import { type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import { type BootKey, noHash, type Term, term } from "../../../node/src/consensus/ids.ts";
import type { Ticket } from "../../../node/src/consensus/input.ts";
import { type CallError, createCalls } from "../../../node/src/runtime/calls.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";

const limits = { commandMsMax: 1_000, readMsMax: 500, waitingMax: 3 };

function open() {
  const clock = { nowMs: 0 };
  const calls = createCalls(limits, () => clock.nowMs);
  const tickets: Ticket[] = [];
  const command = () => fateOf(calls.command((ticket) => tickets.push(ticket)));
  const read = () => fateOf(calls.read((ticket) => tickets.push(ticket)));
  const place = (firstIndex: number, of: Term) =>
    calls.onAppended({ kind: "appended", tickets: tickets.splice(0), firstIndex, term: of });
  return { clock, calls, tickets, command, read, place };
}

/** What became of a call: its answer, or the code of its fault. */
function fateOf<T>(call: Promise<T>): Promise<T | string> {
  return call.catch((error: CallError) => error.fault.code);
}

function committed(index: number, of: Term): Entry {
  const body = { kind: "command", payload: new Uint8Array() } as const;
  return makeEntry({ index, term: of, timeMs: 0 }, body, noHash, sha256Chain);
}

const applied = (index: number, of: Term): Outcome => ({
  kind: "applied",
  index,
  term: of,
  result: "1",
});

test("a command is answered by the entry at its place", async () => {
  const { calls, command, place } = open();
  const fate = command();
  place(7, term(2));
  calls.onOutcome(committed(7, term(2)), applied(7, term(2)));
  expect(await fate).toEqual(applied(7, term(2)));
});

test("a command whose place another term's entry took did definitely not happen", async () => {
  const { calls, command, place } = open();
  const fate = command();
  place(7, term(2));
  calls.onOutcome(committed(7, term(3)), applied(7, term(3)));
  expect(await fate).toBe("leader.unknown");
});

test("a command in the log that is never committed has an open fate", async () => {
  const { calls, clock, command, place } = open();
  const fate = command();
  place(7, term(2));
  clock.nowMs = 1_000;
  calls.sweep(null);
  expect(await fate).toBe("commit.timeout");
});

const bootKey = "00" as BootKey;
const led = (by: Term, isSelf = false) => ({ bootKey, term: by, isSelf });

test("a command in the log of a leader that was replaced does not wait to its time-out", async () => {
  const { calls, clock, command, place } = open();
  const fate = command();
  place(7, term(2));
  clock.nowMs = 500;
  calls.sweep(led(term(3)));
  expect(await fate).toBe("leader.lost");
});

test.each([
  ["nobody is known to lead", 500, null],
  ["this boot leads on, in a term with other members", 500, led(term(3), true)],
  ["what is known of another leader is older", 500, led(term(1))],
  ["the leader may just be handing over", 499, led(term(3))],
])("a command in the log waits while %s", async (_, waitedMs, serving) => {
  const { calls, clock, command, place } = open();
  const fate = command();
  place(7, term(2));
  clock.nowMs = waitedMs;
  calls.sweep(serving);
  calls.onOutcome(committed(7, term(2)), applied(7, term(2)));
  expect(await fate).toEqual(applied(7, term(2)));
});

test("commands of a term that is over hold up none of the next", async () => {
  const { calls, command, place } = open();
  const old = [command(), command()];
  place(7, term(2));
  expect(calls.uncommitted(term(2))).toBe(2);
  expect(calls.uncommitted(term(4))).toBe(0);

  const next = command();
  place(8, term(4));
  expect(calls.uncommitted(term(4))).toBe(1);
  expect(await old[1]).toBe("leader.unknown");
  calls.onOutcome(committed(7, term(2)), applied(7, term(2)));
  calls.onOutcome(committed(8, term(4)), applied(8, term(4)));
  expect(await old[0]).toEqual(applied(7, term(2)));
  expect(await next).toEqual(applied(8, term(4)));
});

test("a node that stops leaves commands in the log open, and declines the others", async () => {
  const { calls, command, place, read } = open();
  const inLog = command();
  place(7, term(2));
  const waiting = [command(), read()];
  calls.abandon();
  expect(await inLog).toBe("leader.lost");
  expect(await Promise.all(waiting)).toEqual(["node.unavailable", "node.unavailable"]);
});

test("calls beyond the limit are refused at once", async () => {
  const { command } = open();
  for (const _ of [1, 2, 3]) command().catch(() => undefined);
  expect(await command()).toBe("overloaded");
});

test("a read waits until its index is applied here, or fails in time", async () => {
  const { calls, clock } = open();
  const soon = fateOf(calls.applied(5));
  const late = fateOf(calls.applied(9));
  calls.onApplied(5);
  expect(await soon).toBeUndefined();
  clock.nowMs = 500;
  calls.sweep(null);
  expect(await late).toBe("read.timeout");
});
