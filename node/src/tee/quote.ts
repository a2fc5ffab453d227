/**
 * Reads a TDX quote, version 4. Reading is not verifying: nothing here checks a signature.
 *
 * @see Intel TDX DCAP quoting library, "Quote Format", version 4; offsets are absolute.
 */
import { bytesToHex } from "@noble/hashes/utils";
import { ClusterError } from "../errors.ts";
import type { QuoteFault } from "../runtime/attestation.ts";

export class QuoteError extends ClusterError<QuoteFault> {}

/** Hex is lower-case without 0x. */
export type Quote = {
  /** 16 bytes: who made the enclave that signed. */
  readonly qeVendorId: string;
  /** 16 bytes: versions of the TDX module and what loads it. */
  readonly teeTcbSvn: string;
  /** 48 bytes each: the TDX module, and its signer; zeros: Intel. */
  readonly mrSeam: string;
  readonly mrSignerSeam: string;
  /** 8 bytes. */
  readonly seamAttributes: string;
  /** 8 bytes. Bit 0 set: a debug TD, whose memory its host can read. */
  readonly tdAttributes: string;
  /** 48 bytes each. */
  readonly mrTd: string;
  readonly mrConfigId: string;
  readonly mrOwner: string;
  readonly mrOwnerConfig: string;
  readonly rtmrs: readonly [string, string, string, string];
  /** 64 bytes: what the enclave wanted said. */
  readonly reportData: string;
  /** Header and TD report: what the signature covers. */
  readonly signedBytes: Uint8Array;
  /** Signature, attestation key and certificates; without the padding after it. */
  readonly authData: Uint8Array;
};

const quoteBytesMax = 20_480;
const signedLength = 632;
const ecdsaP256 = 2;
const tdx = 0x81;

/**
 * @param bytes the raw quote, at most 20 KiB; zeros after its end are tolerated, as real ones have
 * @throws QuoteError quote.malformed
 */
export function parseQuote(bytes: Uint8Array): Quote {
  const { length } = bytes;
  const authAt = signedLength + 4;
  if (length < authAt) throw malformed(`it has ${length} bytes, at least ${authAt} expected`);
  if (length > quoteBytesMax) {
    throw malformed(`it has ${length} bytes, at most ${quoteBytesMax} expected`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  expectField("version", view.getUint16(0, true), 4);
  expectField("attestation key type", view.getUint16(2, true), ecdsaP256);
  expectField("TEE type", view.getUint32(4, true), tdx);

  const authLength = view.getUint32(signedLength, true);
  if (authLength > length - authAt) {
    throw malformed(`its signature should have ${authLength} bytes, ${length - authAt} are there`);
  }
  if (bytes.subarray(authAt + authLength).some((byte) => byte !== 0)) {
    throw malformed("bytes other than zero follow its signature");
  }

  const hexAt = (at: number, size: number) => bytesToHex(bytes.subarray(at, at + size));
  return {
    qeVendorId: hexAt(12, 16),
    teeTcbSvn: hexAt(48, 16),
    mrSeam: hexAt(64, 48),
    mrSignerSeam: hexAt(112, 48),
    seamAttributes: hexAt(160, 8),
    tdAttributes: hexAt(168, 8),
    mrTd: hexAt(184, 48),
    mrConfigId: hexAt(232, 48),
    mrOwner: hexAt(280, 48),
    mrOwnerConfig: hexAt(328, 48),
    rtmrs: [hexAt(376, 48), hexAt(424, 48), hexAt(472, 48), hexAt(520, 48)],
    reportData: hexAt(568, 64),
    signedBytes: bytes.slice(0, signedLength),
    authData: bytes.slice(authAt, authAt + authLength),
  };
}

function expectField(name: string, actual: number, expected: number): void {
  if (actual !== expected) throw malformed(`its ${name} is ${actual}, ${expected} expected`);
}

/** @param reason a sentence's end */
export function malformed(reason: string): QuoteError {
  return new QuoteError({ code: "quote.malformed", reason }, `not a TDX quote: ${reason}`);
}

/** Not judged, for a reason that lies outside of the quote. */
export function unverifiable(reason: string): QuoteError {
  return new QuoteError(
    { code: "quote.unverifiable", reason },
    `the quote was not judged: ${reason}`,
  );
}

/** @param check such as "compose hash" */
export function rejected(check: string, found: { expected: string; actual: string }): QuoteError {
  const { expected, actual } = found;
  return new QuoteError(
    { code: "quote.rejected", check, expected, actual },
    `the quote's ${check} is ${actual}, expected ${expected}`,
  );
}
