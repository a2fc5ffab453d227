import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeCommand,
  encodeCommand,
  encodeIncrement,
  isIdempotencyKey,
} from "../../../node/src/application/envelope.ts";
import { asciiBytes } from "../../../node/src/consensus/ascii.ts";

const printable = (lengths: { minLength: number; maxLength: number }) =>
  fc.string({ unit: "grapheme-ascii", ...lengths });

test("every envelope survives its encoding", () => {
  const envelopes = fc.record({
    application: printable({ minLength: 1, maxLength: 255 }),
    idempotencyKey: fc.option(printable({ minLength: 1, maxLength: 255 })),
    command: printable({ minLength: 0, maxLength: 5_000 }),
  });
  fc.assert(
    fc.property(envelopes, (envelope) => {
      expect(decodeCommand(encodeCommand(envelope))).toEqual({ ok: true, value: envelope });
    }),
  );
});

test("an increment without a key takes eleven bytes", () => {
  expect(encodeIncrement(7, null)).toEqual(asciiBytes("\x01\x07counter\x007"));
});

test("an increment with a key carries it before the command", () => {
  expect(encodeIncrement(12, "k-1")).toEqual(asciiBytes("\x01\x07counter\x03k-112"));
});

test("whatever the bytes, decoding answers and never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const read = decodeCommand(bytes);
      if (read.ok) expect(encodeCommand(read.value)).toEqual(bytes);
    }),
  );
});

test.each([
  ["no bytes at all", ""],
  ["another layout", "\x02\x07counter\x007"],
  ["a name that runs past the end", "\x01\xffcounter\x007"],
  ["a key that runs past the end", "\x01\x07counter\x097"],
  ["no length of a key", "\x01\x07counter"],
  ["a character outside printable ASCII", "\x01\x07count\ter\x007"],
])("a payload with %s is refused", (_case, text) => {
  expect(decodeCommand(asciiBytes(text))).toMatchObject({ ok: false });
});

test("a key has 1 to 255 characters of printable ASCII", () => {
  expect(["a", " ", "~", "k".repeat(255)].every(isIdempotencyKey)).toBe(true);
  expect(["", "k".repeat(256), "a\n", "é", "\x7f", "a\tb"].filter(isIdempotencyKey)).toEqual([]);
});
