import fc from "fast-check";
import { expect, test } from "vitest";
import { counter } from "../../../node/src/application/counter/counter.ts";
import { encodeCommand, encodeIncrement } from "../../../node/src/application/envelope.ts";
import {
  apply,
  describeCommand,
  initialMachine,
  type Machine,
  type Outcome,
} from "../../../node/src/application/machine.ts";
import { asciiBytes } from "../../../node/src/consensus/ascii.ts";
import { term } from "../../../node/src/consensus/ids.ts";

function feed(
  machine: Machine,
  commands: readonly { index: number; in?: number; payload: Uint8Array }[],
): { machine: Machine; outcomes: Outcome[] } {
  const outcomes: Outcome[] = [];
  let current = machine;
  for (const { index, in: inTerm = 1, payload } of commands) {
    const step = apply(current, { index, term: term(inTerm), timeMs: 1_000 * index, payload });
    current = step.machine;
    outcomes.push(step.outcome);
  }
  return { machine: current, outcomes };
}
const counterOf = (machine: Machine): number => counter.query(machine.states.counter, "value");

test("commands raise the counter one after another", () => {
  const { machine, outcomes } = feed(initialMachine(), [
    { index: 2, payload: encodeIncrement(5, null) },
    { index: 3, in: 2, payload: encodeIncrement(7, null) },
  ]);
  expect(counterOf(machine)).toBe(12);
  expect(outcomes).toEqual([
    { kind: "applied", index: 2, term: 1, result: "5" },
    { kind: "applied", index: 3, term: 2, result: "12" },
  ]);
});

// Clients: "a repeated command is applied once and gets its first answer, across changes of leader".
test("a repeated key gets its first answer: value, term and index", () => {
  const { machine, outcomes } = feed(initialMachine(), [
    { index: 2, payload: encodeIncrement(5, "once") },
    { index: 3, payload: encodeIncrement(1, null) },
    { index: 9, in: 4, payload: encodeIncrement(5, "once") },
  ]);
  expect(counterOf(machine)).toBe(6);
  expect(outcomes[2]).toEqual({ kind: "applied", index: 2, term: 1, result: "5" });
});

test("a key that comes with another command is refused and changes nothing", () => {
  const { machine, outcomes } = feed(initialMachine(), [
    { index: 2, payload: encodeIncrement(5, "once") },
    { index: 3, payload: encodeIncrement(6, "once") },
    { index: 4, payload: encodeIncrement(5, "once") },
  ]);
  expect(counterOf(machine)).toBe(5);
  expect(outcomes[1]).toEqual({
    kind: "refused",
    fault: { code: "idempotency.mismatch", key: "once" },
  });
  expect(outcomes[2]).toEqual(outcomes[0]);
});

test("a key is forgotten after the window, and its command is applied anew", () => {
  const { machine, outcomes } = feed(initialMachine(10), [
    { index: 2, payload: encodeIncrement(5, "once") },
    { index: 12, payload: encodeIncrement(5, "once") },
    { index: 13, payload: encodeIncrement(5, "once") },
  ]);
  expect(counterOf(machine)).toBe(10);
  expect(outcomes[1]).toMatchObject({ index: 2 });
  expect(outcomes[2]).toEqual({ kind: "applied", index: 13, term: 1, result: "10" });
});

test("a refusal is a first answer too: its key never applies the command later", () => {
  const unknown = encodeCommand({ application: "later", idempotencyKey: "k", command: "1" });
  const { outcomes } = feed(initialMachine(), [
    { index: 2, payload: unknown },
    { index: 3, payload: unknown },
    { index: 4, payload: encodeIncrement(1, "k") },
  ]);
  const reason = 'no application is named "later"';
  expect(outcomes[0]).toEqual({ kind: "refused", fault: { code: "command.refused", reason } });
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toMatchObject({ fault: { code: "idempotency.mismatch" } });
});

test("a command that the application cannot read is refused", () => {
  const command = { application: "counter", idempotencyKey: null, command: "-1" };
  const { machine, outcomes } = feed(initialMachine(), [
    { index: 2, payload: encodeCommand(command) },
  ]);
  const reason = "not a command of counter";
  expect(outcomes).toEqual([{ kind: "refused", fault: { code: "command.refused", reason } }]);
  expect(counterOf(machine)).toBe(0);
});

test("whatever the payload, a machine answers and never throws", () => {
  const start = feed(initialMachine(), [{ index: 1, payload: encodeIncrement(3, "k") }]).machine;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
      const step = apply(start, { index: 2, term: term(1), timeMs: 0, payload });
      if (step.outcome.kind === "refused") expect(counterOf(step.machine)).toBe(3);
    }),
  );
});

test("applying leaves the machine that it started from as it was", () => {
  const before = feed(initialMachine(), [{ index: 1, payload: encodeIncrement(3, "a") }]).machine;
  const entry = { index: 2, term: term(1), timeMs: 0 };
  const once = apply(before, { ...entry, payload: encodeIncrement(4, "b") });
  const again = apply(before, { ...entry, payload: encodeIncrement(4, "b") });
  const otherwise = apply(before, { ...entry, payload: encodeIncrement(9, "b") });
  expect(again.outcome).toEqual(once.outcome);
  expect(otherwise.outcome).toMatchObject({ kind: "applied", result: "12" });
  expect([before, once.machine, otherwise.machine].map(counterOf)).toEqual([3, 7, 12]);
});

test("a command is described by its application and its fields", () => {
  expect(describeCommand(encodeIncrement(5, "k"))).toEqual({
    application: "counter",
    command: { by: 5 },
  });
  const unknown = encodeCommand({ application: "later", idempotencyKey: null, command: "1" });
  expect(describeCommand(unknown)).toEqual({ application: "later", command: null });
  expect(describeCommand(asciiBytes("?"))).toBeNull();
});
