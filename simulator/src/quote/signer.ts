/**
 * Who signs quotes. `SignQuote` is the seam: everything that a quote says is decided before, and
 * everything that vouches for it comes from here.
 *
 * Safety assumes nothing: the attestation key follows from a public seed, and no certificate chain
 * stands behind it. A verifier that demands a chain to a root refuses these quotes, and should.
 */
import { p256 } from "@noble/curves/nist";
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "../keys/kdf.ts";
import { p256PublicKey } from "../keys/p256.ts";

/** From the 632 signed bytes of a quote to the authentication data that follows its length. */
export type SignQuote = (signedRegion: Uint8Array) => Uint8Array;

const quotingEnclaveReportBytes = 384;
const enclaveReportCertification = 6;
const pckChainCertification = 5;
/** Real quotes carry exactly these 32 bytes. */
const enclaveAuthData = Uint8Array.from({ length: 32 }, (_, position) => position);

/** A signer whose two keys follow from `seed`. The same region gets the same bytes. */
export function developmentSigner(seed: string): SignQuote {
  const attestationKey = deriveSecret(utf8ToBytes(seed), utf8ToBytes("development-attestation"));
  const provisioningKey = deriveSecret(utf8ToBytes(seed), utf8ToBytes("development-provisioning"));
  const publicKey = p256PublicKey(attestationKey).subarray(1);
  const report = quotingEnclaveReport(publicKey);
  const certification = concatBytes(
    report,
    signP256(report, provisioningKey),
    withLength16(enclaveAuthData),
    certificationData(pckChainCertification, new Uint8Array()),
  );
  const vouchers = concatBytes(
    publicKey,
    certificationData(enclaveReportCertification, certification),
  );
  return (signedRegion) => concatBytes(signP256(signedRegion, attestationKey), vouchers);
}

/** The quoting enclave's own report: it binds the attestation key and the authentication data. */
function quotingEnclaveReport(attestationPublicKey: Uint8Array): Uint8Array {
  const report = Buffer.alloc(quotingEnclaveReportBytes);
  report.set(hexToBytes("04040202040100050000000000000000"), 0);
  report.set(hexToBytes("1500000000000000e700000000000000"), 48);
  report.set(sha256(utf8ToBytes("dstack-cluster simulator: quoting enclave")), 64);
  report.set(sha256(utf8ToBytes("dstack-cluster simulator: quoting enclave signer")), 128);
  report.writeUInt16LE(2, 256);
  report.writeUInt16LE(6, 258);
  report.set(sha256(concatBytes(attestationPublicKey, enclaveAuthData)), 320);
  return new Uint8Array(report);
}

/** ECDSA over SHA-256: 64 bytes r and s. */
function signP256(message: Uint8Array, secret: Uint8Array): Uint8Array {
  return p256.sign(sha256(message), secret, { lowS: false, prehash: false }).toCompactRawBytes();
}

function certificationData(type: number, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(6);
  header.writeUInt16LE(type, 0);
  header.writeUInt32LE(content.length, 2);
  return concatBytes(header, content);
}

function withLength16(content: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(content.length);
  return concatBytes(length, content);
}
