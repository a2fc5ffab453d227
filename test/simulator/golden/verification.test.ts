// The published verifier accepts quotes of others in this very set-up: what it refuses elsewhere in
// these tests, it refuses for a reason.
import { QuoteVerifier } from "@phala/dcap-qvl";
import { describe, expect } from "vitest";
import { enclaveIdentity, tcbInfo, validityAt } from "../../../simulator/src/pccs/documents.ts";
import { attested, quoteOf } from "../pccs/support.ts";
import { golden, vectors } from "./vectors.ts";

const daySeconds = 24 * 60 * 60;

describe("a quote of real hardware", () => {
  golden("is verified under Intel's root at its date, and at no later one", () => {
    const { quote, collateral, verify_at_unix, expected_status } = vectors().tdx_quote_verify_intel;
    const bytes = Buffer.from(quote, "hex");
    const verifier = QuoteVerifier.newProd();
    expect(verifier.verify(bytes, collateral, verify_at_unix).status).toBe(expected_status);
    const later = verify_at_unix + 60 * daySeconds;
    expect(() => verifier.verify(bytes, collateral, later)).toThrow("TCBInfo expired");
  });

  golden("is refused under the root of another development hierarchy", () => {
    const { tdx_quote_verify_intel, tdx_quote_verify_dev } = vectors();
    const { quote, collateral, verify_at_unix } = tdx_quote_verify_intel;
    const root = Buffer.from(tdx_quote_verify_dev.root_der, "hex");
    const verify = (): unknown =>
      QuoteVerifier.newWithRootCa(root).verify(
        Buffer.from(quote, "hex"),
        collateral,
        verify_at_unix,
      );
    expect(verify).toThrow("Failed to verify certificate chain");
  });
});

describe("a quote of another development root", () => {
  golden("is verified under that root, and refused under Intel's", () => {
    const recorded = vectors().tdx_quote_verify_dev;
    const { collateral, verify_at_unix } = recorded;
    const quote = Buffer.from(recorded.quote, "hex");
    const own = QuoteVerifier.newWithRootCa(Buffer.from(recorded.root_der, "hex"));
    expect(own.verify(quote, collateral, verify_at_unix).status).toBe(recorded.expected_status);
    expect(() => QuoteVerifier.newProd().verify(quote, collateral, verify_at_unix)).toThrow(
      recorded.expected_error_with_intel_root,
    );
  });
});

describe("beside documents of Intel", () => {
  golden("those of the simulator have the same fields in the same order", () => {
    const { collateral } = vectors().tdx_quote_verify_intel;
    const validity = validityAt(new Date(), []);
    expect(shape(JSON.parse(tcbInfo(validity, ["out-of-date"])))).toEqual(
      shape(JSON.parse(collateral.tcb_info)),
    );
    expect(shape(JSON.parse(enclaveIdentity(validity)))).toEqual(
      shape(JSON.parse(collateral.qe_identity)),
    );
  });

  golden("a quote of the simulator has its parts at the same places", async () => {
    const real = Buffer.from(vectors().tdx_quote_verify_intel.quote, "hex");
    const own = await quoteOf(await attested());
    for (const [offset, length] of fixedParts) {
      const part = own.subarray(offset, offset + length).toString("hex");
      expect(part, `at ${offset}`).toBe(real.subarray(offset, offset + length).toString("hex"));
    }
  });
});

/** Version, key type and TEE type; vendor; attributes; certification types; authentication data. */
const fixedParts = [
  [0, 8],
  [12, 16],
  [168, 8],
  [764, 2],
  [1218, 36],
] as const;

/** Names of fields, in order, of an object and of the last object of each array. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return shape(value.at(-1));
  if (typeof value !== "object" || value === null) return null;
  return Object.entries(value).map(([name, field]) => [name, shape(field)]);
}
