/** Quotes, event logs, certificates and whole proofs that nobody honest wrote: refused, by name. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import type { BootProof } from "../../../node/src/runtime/attestation.ts";
import {
  CertificateError,
  readCertificate,
  readRevocationList,
} from "../../../node/src/tee/certificates.ts";
import { readEventLog } from "../../../node/src/tee/eventLog.ts";
import { readPck } from "../../../node/src/tee/pck.ts";
import { parseQuote, QuoteError } from "../../../node/src/tee/quote.ts";
import { evidenceOf } from "../../../node/src/tee/verifyBoot.ts";
import { hierarchy, quoteOf } from "../../node/tee/development.ts";
import { keyProofOf } from "../../node/tee/evidence.ts";
import { change, changes, harm, harms } from "../support/harm.ts";
import { runs, withinMs } from "../support/runs.ts";

let quote: Uint8Array;

beforeAll(async () => {
  quote = quoteOf(await hierarchy());
});

const detailCharactersMax = 20_000;

/** Reads, or refuses by an error of this kind that says why. */
function expectRefusal(
  kind: typeof QuoteError | typeof CertificateError,
  read: () => unknown,
): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    expect(error.message).not.toBe("");
    expect(error.message.length).toBeLessThanOrEqual(detailCharactersMax);
  }
}

const someHarms = fc.array(harms, { minLength: 1, maxLength: 3 });

test("a quote that was changed is read or refused as one", () => {
  fc.assert(
    fc.property(someHarms, (each) => {
      expectRefusal(QuoteError, () => readPck(parseQuote(each.reduce(harm, quote))));
    }),
    runs(1_000),
  );
});

test("any bytes are no quote", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      expect(() => parseQuote(bytes)).toThrow(QuoteError);
    }),
    runs(500),
  );
});

test("a certificate, or a list of revoked ones, that was changed is read or refused as one", () => {
  const [leaf, issuer] = readPck(parseQuote(quote)).chain;
  if (leaf === undefined || issuer === undefined) expect.fail("a chain of two at least");
  fc.assert(
    fc.property(someHarms, (each) => {
      const bytes = each.reduce(harm, new Uint8Array(leaf.x509.raw));
      expectRefusal(CertificateError, () => readCertificate(bytes));
      expectRefusal(CertificateError, () => readRevocationList(bytes, issuer));
    }),
    runs(1_000),
  );
});

const event = fc.record({
  imr: fc.integer({ min: 0, max: 3 }),
  event_type: fc.constantFrom(0x08000001, 1, 0xffff_ffff),
  digest: fc.constantFrom("", "ab".repeat(48), "ab".repeat(32), "a"),
  event: fc.constantFrom(
    ...[
      "app-id",
      "compose-hash",
      "instance-id",
      "os-image-hash",
      "key-provider",
      "system-ready",
      "",
    ],
  ),
  event_payload: fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString("hex")),
});

test("an event log that was changed is read or refused as one", () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 6 }),
      fc.array(changes, { maxLength: 3 }),
      (log, each) => {
        const text = JSON.stringify(each.reduce(change, log)) ?? "";
        expectRefusal(QuoteError, () => readEventLog(text));
      },
    ),
    runs(1_500),
  );
});

test("any text is read as an event log or refused as none", () => {
  const deep = fc
    .integer({ min: 1, max: 50_000 })
    .map((depth) => "[".repeat(depth) + "]".repeat(depth));
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" }), deep), (text) => {
      expectRefusal(QuoteError, () => readEventLog(text));
    }),
    runs(500),
  );
});

test(
  "a proof that was changed anywhere is read or refused as one",
  () => {
    const proof: BootProof = {
      wallet: memberId(`0x${"a1".repeat(20)}`),
      bootKey: bootKey("22".repeat(32)),
      blockNumber: "7",
      blockHash: `0x${"0b".repeat(32)}`,
      quote: Buffer.from(quote).toString("hex"),
      eventLog: "[]",
      signature: `0x${"51".repeat(64)}1b`,
      keyProof: keyProofOf(),
    };
    expectRefusal(QuoteError, () => evidenceOf(proof));
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 3 }), (each) => {
        expectRefusal(QuoteError, () =>
          evidenceOf(each.reduce<unknown>(change, proof) as BootProof),
        );
      }),
      runs(600),
    );
  },
  withinMs(60_000),
);
