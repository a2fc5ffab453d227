/**
 * Who signs quotes. `SignQuote` is the seam: everything that a quote says is decided before, and
 * everything that vouches for it comes from here.
 *
 * Safety assumes nothing: every key follows from a public seed. The chain that stands behind a
 * quote ends at a development root, and a verifier that was not told to trust it refuses.
 *
 * @see Intel TDX DCAP: Quote Generation Library and Quote Verification Library, appendix 3
 */
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "../keys/kdf.ts";
import { p256PublicKey, signP256 } from "../keys/p256.ts";
import { cpuSvn } from "../pki/device.ts";
import type { Pki } from "../pki/pki.ts";

/** From the 632 signed bytes of a quote to the authentication data that follows its length. */
export type SignQuote = (signedRegion: Uint8Array) => Uint8Array;

/** What a verifier holds against the published identity of the enclave that signs quotes. */
export const quotingEnclave = {
  mrEnclave: sha256(utf8ToBytes("dstack-cluster simulator: quoting enclave")),
  mrSigner: sha256(utf8ToBytes("dstack-cluster simulator: quoting enclave signer")),
  /** Initialised, 64 bits, with a provisioning key; and the processor state it may use. */
  attributes: hexToBytes("1500000000000000e700000000000000"),
  productId: 2,
  svn: 6,
};

const enclaveReportBytes = 384;
const enclaveReportCertification = 6;
const pckChainCertification = 5;
/** Real quotes carry exactly these 32 bytes. */
const enclaveAuthData = Uint8Array.from({ length: 32 }, (_, position) => position);

/** The quoting enclave of a device. The same region gets the same bytes. */
export function quoteSigner(pki: Pki): SignQuote {
  const attestationKey = deriveSecret(
    utf8ToBytes(pki.seed),
    utf8ToBytes(`development-attestation:${pki.device.name}`),
  );
  const publicKey = p256PublicKey(attestationKey).subarray(1);
  const report = enclaveReport(publicKey);
  const certification = concatBytes(
    report,
    signP256(report, pki.pckHolder.secret),
    withLength16(enclaveAuthData),
    // Real ones end with a zero, as a string of C does.
    certificationData(pckChainCertification, utf8ToBytes(`${pki.pckChain}\0`)),
  );
  const vouchers = concatBytes(
    publicKey,
    certificationData(enclaveReportCertification, certification),
  );
  return (signedRegion) => concatBytes(signP256(signedRegion, attestationKey), vouchers);
}

/** The quoting enclave's own report: it binds the attestation key and the authentication data. */
function enclaveReport(attestationPublicKey: Uint8Array): Uint8Array {
  const report = Buffer.alloc(enclaveReportBytes);
  report.set(cpuSvn, 0);
  report.set(quotingEnclave.attributes, 48);
  report.set(quotingEnclave.mrEnclave, 64);
  report.set(quotingEnclave.mrSigner, 128);
  report.writeUInt16LE(quotingEnclave.productId, 256);
  report.writeUInt16LE(quotingEnclave.svn, 258);
  report.set(sha256(concatBytes(attestationPublicKey, enclaveAuthData)), 320);
  return new Uint8Array(report);
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
