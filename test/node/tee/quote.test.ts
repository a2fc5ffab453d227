import fc from "fast-check";
import { expect, test } from "vitest";
import { parseQuote, QuoteError } from "../../../node/src/tee/quote.ts";

const signedLength = 632;

/** A quote whose bytes count upwards, so that every field shows where it was read. */
function quoteBytes(change: { authLength?: number; auth?: number; padding?: number } = {}) {
  const { auth = 584, padding = 0, authLength = auth } = change;
  const bytes = new Uint8Array(signedLength + 4 + auth + padding);
  for (let at = 0; at < signedLength + 4 + auth; at += 1) bytes[at] = at % 251;
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4, true);
  view.setUint16(2, 2, true);
  view.setUint32(4, 0x81, true);
  view.setUint32(signedLength, authLength, true);
  return bytes;
}

function hexAt(bytes: Uint8Array, at: number, size: number): string {
  return Buffer.from(bytes.subarray(at, at + size)).toString("hex");
}

test("every field is read from where Intel's layout puts it", () => {
  const bytes = quoteBytes();
  const quote = parseQuote(bytes);

  expect(quote.tdAttributes).toBe(hexAt(bytes, 168, 8));
  expect(quote.mrTd).toBe(hexAt(bytes, 184, 48));
  expect(quote.mrConfigId).toBe(hexAt(bytes, 232, 48));
  expect(quote.mrOwner).toBe(hexAt(bytes, 280, 48));
  expect(quote.mrOwnerConfig).toBe(hexAt(bytes, 328, 48));
  expect(quote.rtmrs).toEqual([376, 424, 472, 520].map((at) => hexAt(bytes, at, 48)));
  expect(quote.reportData).toBe(hexAt(bytes, 568, 64));
  expect(quote.signedBytes).toEqual(bytes.slice(0, signedLength));
  expect(quote.authData).toEqual(bytes.slice(signedLength + 4));
});

test("zeros after the end are tolerated, anything else is not", () => {
  const padded = quoteBytes({ padding: 64 });
  expect(parseQuote(padded).authData).toHaveLength(584);

  padded[padded.length - 1] = 1;
  expect(() => parseQuote(padded)).toThrow("bytes other than zero follow its signature");
});

test("what is not a version 4 TDX quote is refused by the field that says so", () => {
  const withByte = (at: number, value: number) => quoteBytes().with(at, value);

  expect(() => parseQuote(withByte(0, 5))).toThrow("its version is 5, 4 expected");
  expect(() => parseQuote(withByte(2, 3))).toThrow("its attestation key type is 3, 2 expected");
  expect(() => parseQuote(withByte(4, 0))).toThrow("its TEE type is 0, 129 expected");
  expect(() => parseQuote(new Uint8Array(20_481))).toThrow("at most 20480 expected");
  expect(() => parseQuote(quoteBytes({ authLength: 585 }))).toThrow(
    "its signature should have 585 bytes, 584 are there",
  );
});

test("a quote cut anywhere is refused, never misread", () => {
  const bytes = quoteBytes();
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => parseQuote(bytes.slice(0, length))).toThrow(QuoteError);
  }
});

test("arbitrary bytes are refused with a fault and nothing else", () => {
  const header = Uint8Array.of(4, 0, 2, 0, 0x81, 0, 0, 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), (bytes, plausible) => {
      const input = plausible ? Uint8Array.of(...header, ...bytes) : bytes;
      try {
        parseQuote(input);
      } catch (error) {
        expect(error).toBeInstanceOf(QuoteError);
      }
    }),
  );
});
