import fc from "fast-check";
import { expect, test } from "vitest";
import type { Application } from "../../../node/src/application/application.ts";
import { decodeStateOf } from "../../../node/src/application/applications.ts";
import { encodeCommand, encodeIncrement } from "../../../node/src/application/envelope.ts";
import { apply, initialMachine, type Machine } from "../../../node/src/application/machine.ts";
import { decodeState, encodeState } from "../../../node/src/application/state.ts";
import { asciiBytes } from "../../../node/src/consensus/ascii.ts";
import { term } from "../../../node/src/consensus/ids.ts";

type Entry = { readonly index: number; readonly payload: Uint8Array };

function feed(machine: Machine, entries: readonly Entry[]): { machine: Machine; answers: string } {
  let current = machine;
  const answers: unknown[] = [];
  for (const { index, payload } of entries) {
    const step = apply(current, { index, term: term(1 + (index >> 4)), timeMs: index, payload });
    current = step.machine;
    answers.push(step.outcome);
  }
  return { machine: current, answers: JSON.stringify(answers) };
}
const restored = (machine: Machine): Machine => {
  const read = decodeState(encodeState(machine));
  if (!read.ok) throw new Error(read.reason);
  return read.value;
};

const payloads = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.option(fc.constantFrom("a", "b", "c", "d")))
    .map(([by, key]) => encodeIncrement(by, key)),
  fc
    .constantFrom("x", "y")
    .map((key) => encodeCommand({ application: "later", idempotencyKey: key, command: "?" })),
  fc.uint8Array({ maxLength: 8 }),
);
const logs = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), payloads), { maxLength: 80 })
  .map((steps) => {
    let index = 0;
    return steps.map(([gap, payload]) => {
      index += gap;
      return { index, payload };
    });
  });
const windows = fc.integer({ min: 1, max: 40 });

test("two replicas fed the same entries have byte-equal states and equal answers", () => {
  fc.assert(
    fc.property(logs, windows, (log, window) => {
      const [one, other] = [feed(initialMachine(window), log), feed(initialMachine(window), log)];
      expect(encodeState(one.machine)).toEqual(encodeState(other.machine));
      expect(one.answers).toBe(other.answers);
    }),
  );
});

test("a snapshot at any point and the rest of the log equal the whole log", () => {
  fc.assert(
    fc.property(logs, windows, fc.nat(), (log, window, at) => {
      const cut = at % (log.length + 1);
      const whole = feed(feed(initialMachine(window), log.slice(0, cut)).machine, log.slice(cut));
      const early = feed(initialMachine(window), log.slice(0, cut)).machine;
      const rest = feed(restored(early), log.slice(cut));
      expect(encodeState(rest.machine)).toEqual(encodeState(whole.machine));
      expect(rest.answers).toBe(whole.answers);
    }),
  );
});

test("a state keeps the counter, the keys and their first answers", () => {
  const log = [{ index: 2 ** 33, payload: encodeIncrement(5, "once") }];
  const { machine } = feed(initialMachine(), log);
  const again = { index: 2 ** 33 + 7, payload: encodeIncrement(5, "once") };
  expect(feed(restored(machine), [again]).answers).toBe(
    JSON.stringify([{ kind: "applied", index: 2 ** 33, term: 1 + ((2 ** 33) >> 4), result: "5" }]),
  );
});

test("whatever the bytes, decoding a state answers and never throws", () => {
  const { machine } = feed(initialMachine(), [
    { index: 1, payload: encodeIncrement(5, "one") },
    { index: 2, payload: encodeIncrement(5, "two") },
  ]);
  const bytes = encodeState(machine);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(decodeState(bytes.subarray(0, length))).toMatchObject({ ok: false });
  }
  expect(decodeState(Uint8Array.of(...bytes, 0))).toMatchObject({ ok: false });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Uint8Array.from(bytes, (byte, where) => (where === at ? byte ^ flip : byte));
      const read = decodeState(damaged);
      if (read.ok) expect(encodeState(read.value)).toEqual(damaged);
    }),
  );
});

test("a state of another layout is refused by its number", () => {
  expect(decodeState(asciiBytes("\x07"))).toEqual({
    ok: false,
    reason: "expected a state of layout 1, got 7",
  });
});

/** The second version counts in steps of ten; the first counted in ones. */
const tens: Application<{ tens: number }, number, number, "value", number> = {
  name: "tens",
  version: 2,
  init: () => ({ tens: 0 }),
  apply: (state, by) => ({ kind: "applied", state: { tens: state.tens + by }, result: by }),
  query: (state) => state.tens,
  codec: {
    encode: (state) => String(state.tens),
    decode: (text) => (/^[0-9]+$/.test(text) ? { tens: Number(text) } : null),
  },
  commands: { encode: String, decode: Number },
  results: { encode: String, decode: Number },
  migrate: (version, text) => (version === 1 ? { tens: Number(text) / 10 } : null),
};

test("an older version's state is brought up, a newer one's is refused", () => {
  const encoded = { application: "tens", version: 2, text: "4" };
  expect(decodeStateOf(tens, encoded)).toEqual({ ok: true, value: { tens: 4 } });
  expect(decodeStateOf(tens, { ...encoded, version: 1, text: "40" })).toEqual({
    ok: true,
    value: { tens: 4 },
  });
  expect(decodeStateOf(tens, { ...encoded, version: 3 })).toEqual({
    ok: false,
    reason: "a state of tens version 3: this build reads up to 2",
  });
  expect(decodeStateOf(tens, { ...encoded, text: "four" })).toEqual({
    ok: false,
    reason: "a state of tens version 2: its text is not a state",
  });
});
