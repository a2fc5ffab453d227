import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hash, noHash } from "../../../node/src/consensus/ids.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";

test("the chain's hash of nothing after nothing is SHA-256 of 32 zero bytes", () => {
  expect(sha256Chain(noHash, new Uint8Array())).toBe(
    "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
  );
});

test("the chain's hash is SHA-256 over the previous hash and the bytes, of any length", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 8_100, max: 8_300 }).map((length) => new Uint8Array(length).fill(length)),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes, (previous, content) => {
      const expected = createHash("sha256").update(previous).update(content).digest("hex");
      const chained = sha256Chain(hash(Buffer.from(previous).toString("hex")), content);
      expect(chained).toBe(expected);
    }),
  );
});
