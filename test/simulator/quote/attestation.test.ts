import fc from "fast-check";
import { expect, test } from "vitest";
import { runtimeEvent, runtimeEventType } from "../../../simulator/src/measurement/register.ts";
import {
  embeddedEvents,
  encodeAttestation,
  encodeCompact,
} from "../../../simulator/src/quote/attestation.ts";
import { decodeAttestation } from "./scale.ts";

const event = fc.record({
  imr: fc.constantFrom(0, 1, 2, 3),
  eventType: fc.oneof(fc.constant(runtimeEventType), fc.nat(0xffff)),
  digest: fc.uint8Array({ maxLength: 48 }),
  name: fc.string({ unit: "grapheme" }),
  payload: fc.uint8Array({ maxLength: 300 }),
} as const);

test("an attestation is read back as it was written", () => {
  const attestation = fc.record({
    quote: fc.uint8Array({ maxLength: 20_000, size: "max" }),
    events: fc.array(event),
    reportData: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    config: fc.string(),
  });
  fc.assert(
    fc.property(attestation, (written) => {
      const { runtimeEvents, ...read } = decodeAttestation(encodeAttestation(written));
      expect(read).toEqual(written);
      expect(runtimeEvents).toEqual(
        written.events
          .filter(({ eventType }) => eventType === runtimeEventType)
          .map(({ name, payload }) => ({ name, payload })),
      );
    }),
    { numRuns: 50 },
  );
});

// The examples of the codec's own documentation, and both sides of each border.
test.each([
  [0, "00"],
  [1, "04"],
  [42, "a8"],
  [63, "fc"],
  [64, "0101"],
  [69, "1501"],
  [16_383, "fdff"],
  [16_384, "02000100"],
  [2 ** 30 - 1, "feffffff"],
])("the length %d is written %s", (length, hex) => {
  expect(Buffer.from(encodeCompact(length)).toString("hex")).toBe(hex);
});

test("a length of 2^30 is refused", () => {
  expect(() => encodeCompact(2 ** 30)).toThrow("expected a length below 2^30");
});

test("a certificate embeds register 3 alone, without digests", () => {
  const greeting = runtimeEvent("greeting", new Uint8Array([1]));
  const firmware = { ...greeting, imr: 0 as const };
  expect(embeddedEvents([firmware, greeting])).toEqual([{ ...greeting, digest: new Uint8Array() }]);
});
