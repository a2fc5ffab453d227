/**
 * Who certified the enclave that signed a quote: the platform's provisioning certification key
 * (PCK), and what Intel's certificate for it says of the platform.
 *
 * Read by us, and not taken from the library that verifies quotes: that one leaves the PPID empty
 * and takes every platform for one of the processor authority.
 *
 * @see Intel SGX PCK Certificate and CRL Profile Specification, 1.3.5
 * @see Intel TDX DCAP quoting library, "Quote Format", version 4
 */
import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { type Certificate, CertificateError, nameOf, pemOf, readChain } from "./certificates.ts";
import { childrenOf, type Der, DerError, expectTag, objectIdOf, readDer, tags } from "./der.ts";
import { malformed, type Quote } from "./quote.ts";

/** Hex is lower-case without 0x. */
export type Pck = {
  /** Leaf first, as found in the quote. */
  readonly chain: readonly Certificate[];
  /** The same certificates, PEM. */
  readonly chainPem: string;
  /** 16 bytes: the platform, as Intel names it. */
  readonly ppid: string;
  /** SHA-256 of the PPID, 32 bytes: the platform, as dstack and its contracts name it. */
  readonly deviceId: string;
  /** 6 bytes: the model, which collateral is for. */
  readonly fmspc: string;
  /** 2 bytes. */
  readonly pceId: string;
  /** Which of Intel's authorities certified it, hence whose revocation list counts. */
  readonly authority: "platform" | "processor";
};

/** What certificates of platforms have, and no others. */
export const sgxExtension = "1.2.840.113741.1.13.1";
const fields = {
  ppid: { id: `${sgxExtension}.1`, bytes: 16 },
  pceId: { id: `${sgxExtension}.3`, bytes: 2 },
  fmspc: { id: `${sgxExtension}.4`, bytes: 6 },
} as const;

/**
 * Reads; whether the chain leads to a trusted root is not asked.
 *
 * @throws QuoteError quote.malformed
 */
export function readPck(quote: Quote): Pck {
  try {
    const chain = readChain(Buffer.from(certificationOf(quote)).toString("latin1"));
    const [leaf] = chain;
    const extension = leaf?.extensions.get(sgxExtension);
    if (leaf === undefined || extension === undefined) {
      throw new CertificateError(`begins with ${nameOf(leaf)}, which names no SGX platform`);
    }
    const values = childrenOf(expectTag(readDer(extension), tags.sequence));
    const ppid = fieldOf(values, "ppid");
    return {
      chain,
      chainPem: pemOf(chain),
      ppid: bytesToHex(ppid),
      deviceId: bytesToHex(sha256(ppid)),
      fmspc: bytesToHex(fieldOf(values, "fmspc")),
      pceId: bytesToHex(fieldOf(values, "pceId")),
      authority: authorityOf(leaf),
    };
  } catch (error) {
    if (error instanceof CertificateError) throw malformed(`its PCK chain ${error.message}`);
    if (error instanceof DerError) throw malformed(`its PCK certificate: ${error.message}`);
    throw error;
  }
}

function fieldOf(values: readonly Der[], name: keyof typeof fields): Uint8Array {
  const { id, bytes } = fields[name];
  for (const value of values) {
    const [key, content] = childrenOf(expectTag(value, tags.sequence));
    if (objectIdOf(key) !== id) continue;
    const found = expectTag(content, tags.octetString).content;
    if (found.length === bytes) return found;
    throw new DerError(`its ${name} has ${found.length} bytes, ${bytes} expected`);
  }
  throw new DerError(`it has no ${name}`);
}

function authorityOf({ x509 }: Certificate): Pck["authority"] {
  const issuer = /^CN=(.*)$/m.exec(x509.issuer)?.[1] ?? "";
  if (issuer.includes("Platform")) return "platform";
  if (issuer.includes("Processor")) return "processor";
  throw new CertificateError(`names the issuer "${issuer}", a Platform or Processor CA expected`);
}

const signatureBytes = 64;
const enclaveReportBytes = 384;
const enclaveAuthDataBytes = 32;
const certifiedEnclave = 6;
const pemChain = 5;

/**
 * The PEM text within the authentication data: signature, attestation key, and the certification of
 * that key by an enclave, which in turn is certified by a chain.
 */
function certificationOf({ authData }: Quote): Uint8Array {
  const enclave = certificationAt(authData, 2 * signatureBytes, certifiedEnclave);
  const at = enclaveReportBytes + signatureBytes;
  const view = new DataView(enclave.buffer, enclave.byteOffset, enclave.byteLength);
  const length = enclave.length < at + 2 ? -1 : view.getUint16(at, true);
  // The library that verifies pads and cuts to this length without a word.
  if (length !== enclaveAuthDataBytes) {
    throw malformed(`its QE authentication data has ${length} bytes, 32 expected`);
  }
  return certificationAt(enclave, at + 2 + enclaveAuthDataBytes, pemChain);
}

function certificationAt(bytes: Uint8Array, at: number, type: number): Uint8Array {
  const contentAt = at + 6;
  if (bytes.length < contentAt) throw malformed("its certification data is cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const actual = view.getUint16(at, true);
  if (actual !== type) throw malformed(`its certification data is of type ${actual}, not ${type}`);
  const length = view.getUint32(at + 2, true);
  if (length !== bytes.length - contentAt) {
    const there = bytes.length - contentAt;
    throw malformed(`its certification data should have ${length} bytes, ${there} are there`);
  }
  return bytes.subarray(contentAt);
}
