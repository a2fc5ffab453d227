import fc from "fast-check";
import { expect, test } from "vitest";
import { type Body, makeEntry, readEntry } from "../../../node/src/consensus/entry.ts";
import { hash, noHash, term } from "../../../node/src/consensus/ids.ts";
import { bootOf, rosterOfBoots, sha256 } from "./support.ts";

const uint48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const slots = fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { maxLength: 9 });
const bodies: fc.Arbitrary<Body> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((payload) => ({ kind: "command", payload }) as const),
  fc.integer({ min: 0, max: 8 }).map((slot) => {
    const { member, bootKey } = bootOf(slot, 2);
    return { kind: "rejoin", member, bootKey } as const;
  }),
  fc.record({ slots, cold: fc.boolean() }).map(({ slots: taken, cold }) => {
    const roster = rosterOfBoots(taken.map((slot) => bootOf(slot)));
    return { kind: "term-start", roster, cold } as const;
  }),
);
const entries = fc
  .record({ index: uint48, inTerm: uint48, timeMs: uint48, body: bodies })
  .map(({ index, inTerm, timeMs, body }) =>
    makeEntry({ index, term: term(inTerm), timeMs }, body, noHash, sha256),
  );

test("an entry reads back as itself", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      expect(readEntry(entry.bytes, noHash, sha256)).toEqual(entry);
    }),
  );
});

test("whatever the bytes, reading never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const entry = readEntry(bytes, noHash, sha256);
      expect(entry === null || entry.bytes === bytes).toBe(true);
    }),
  );
});

test("a damaged entry is none, or another one with another hash", () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, at, flip) => {
      const bytes = Uint8Array.from(entry.bytes);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
      expect(readEntry(bytes, noHash, sha256)?.hash).not.toBe(entry.hash);
    }),
    { numRuns: 1_000 },
  );
});

test("a cut entry that is no command is none", () => {
  fc.assert(
    fc.property(entries, fc.nat(), (entry, length) => {
      fc.pre(entry.body.kind !== "command");
      const cut = entry.bytes.subarray(0, length % entry.bytes.length);
      expect(readEntry(cut, noHash, sha256)).toBeNull();
    }),
  );
});

test("the hash covers all that came before", () => {
  const elsewhere = hash("1".repeat(64));
  fc.assert(
    fc.property(entries, ({ bytes, hash: here }) => {
      expect(readEntry(bytes, elsewhere, sha256)?.hash).not.toBe(here);
    }),
  );
});
