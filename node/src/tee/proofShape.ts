/** The shape of a boot's proof, whoever sent it. */
import { z } from "zod";
import type { BootProof } from "../runtime/attestation.ts";
import { QuoteError } from "./quote.ts";

const hexOf = (bytes: number, prefix = "") => new RegExp(`^${prefix}[0-9a-f]{${bytes * 2}}$`);
const publicKey = z.string().regex(hexOf(64, "0x"), "expected 64 bytes of 0x-hex");
const dstackSignature = z.string().regex(/^0x[0-9a-f]{128}0[01]$/, "expected 65 bytes of 0x-hex");

const proofSchema = z.object({
  wallet: z.string().regex(hexOf(20, "0x"), "expected an address in lower case"),
  bootKey: z.string().regex(hexOf(32), "expected 32 bytes of hex"),
  blockNumber: z.string().regex(/^(0|[1-9][0-9]{0,18})$/, "expected a decimal number"),
  blockHash: z.string().regex(hexOf(32, "0x"), "expected 32 bytes of 0x-hex"),
  quote: z
    .string()
    .max(40_960)
    .regex(/^(?:[0-9a-f]{2})*$/, "expected lower-case hex"),
  eventLog: z.string().max(1_048_576),
  signature: z.string().regex(/^0x[0-9a-f]{128}1[bc]$/, "expected 65 bytes of 0x-hex"),
  keyProof: z.object({
    derivedPublicKey: publicKey,
    appPublicKey: publicKey,
    appSignature: dstackSignature,
    kmsSignature: dstackSignature,
  }),
});

/** @throws QuoteError quote.malformed */
export function checkShape(proof: BootProof): void {
  const checked = proofSchema.safeParse(proof);
  if (checked.success) return;
  const reason = checked.error.issues
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("; ");
  throw new QuoteError({ code: "quote.malformed", reason }, `not a boot proof: ${reason}`);
}
