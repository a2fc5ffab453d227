/**
 * Chains of X.509 certificates up to one root, and the lists of those that were revoked.
 *
 * Node verifies signatures and reads names and dates; what it does not show is read here.
 *
 * @see RFC 5280
 */
import { verify as verifySignature, X509Certificate } from "node:crypto";
import { bytesToHex } from "@noble/hashes/utils";
import {
  childrenOf,
  type Der,
  DerError,
  expectTag,
  objectIdOf,
  readDer,
  tags,
  timeOf,
} from "./der.ts";

export type Certificate = {
  readonly x509: X509Certificate;
  /** As encoded, hex: two encodings of one number are two serials to nobody. */
  readonly serial: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
};

/** What is wrong with a chain or a list, as a sentence's end. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

const chainLengthMax = 4;
const pemPattern =
  /-----BEGIN CERTIFICATE-----\r?\n?([A-Za-z0-9+/=\r\n]+)\r?\n?-----END CERTIFICATE-----/g;

/**
 * @param pem leaf first
 * @throws CertificateError
 */
export function readChain(pem: string): readonly Certificate[] {
  const found = [...pem.matchAll(pemPattern)].map(([, text = ""]) => Buffer.from(text, "base64"));
  if (found.length === 0 || found.length > chainLengthMax) {
    throw new CertificateError(`has ${found.length} certificates, 1 to ${chainLengthMax} expected`);
  }
  return found.map(readCertificate);
}

/** @throws CertificateError */
export function readCertificate(der: Uint8Array): Certificate {
  return reading("certificate", () => {
    const x509 = new X509Certificate(der);
    const [toBeSigned] = childrenOf(expectTag(readDer(x509.raw), tags.sequence));
    const fields = childrenOf(expectTag(toBeSigned, tags.sequence));
    // The version comes first where it is not 1, in a tag of its own.
    const [serial] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
    return {
      x509,
      serial: bytesToHex(expectTag(serial, tags.integer).content),
      validFromMs: x509.validFromDate.getTime(),
      validToMs: x509.validToDate.getTime(),
      extensions: extensionsOf(fields.find(({ tag }) => tag === 0xa3)),
    };
  });
}

function extensionsOf(field: Der | undefined): ReadonlyMap<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  if (field === undefined) return extensions;
  const [list] = childrenOf(field);
  for (const extension of childrenOf(expectTag(list, tags.sequence))) {
    const parts = childrenOf(expectTag(extension, tags.sequence));
    const id = objectIdOf(parts[0]);
    if (extensions.has(id)) throw new DerError(`extension ${id} is there twice`);
    extensions.set(id, expectTag(parts.at(-1), tags.octetString).content);
  }
  return extensions;
}

/** Canonical: whoever reads this text finds the same certificates. */
export function pemOf(chain: readonly Certificate[]): string {
  return chain.map(({ x509 }) => x509.toString()).join("");
}

/**
 * Signatures and names from the first to `root`, which is the last; every issuer is an authority.
 * Dates and revocation are asked separately.
 *
 * @param length how many certificates: no detour is taken for granted
 * @throws CertificateError
 */
export function expectChain(
  chain: readonly Certificate[],
  expected: {
    readonly root: Certificate;
    readonly length: number;
    readonly beginsWith: "authority" | "end entity";
  },
): void {
  const { root, length, beginsWith } = expected;
  if (chain.length !== length) {
    throw new CertificateError(`has ${chain.length} certificates, ${length} expected`);
  }
  if (chain.at(-1)?.x509.fingerprint256 !== root.x509.fingerprint256) {
    throw new CertificateError(
      `ends in ${nameOf(chain.at(-1))}, expected the configured root ${nameOf(root)}`,
    );
  }
  chain.forEach((certificate, position) => {
    const issuer = chain[position + 1] ?? root;
    const { x509 } = certificate;
    if (!issuer.x509.ca || !x509.checkIssued(issuer.x509) || !x509.verify(issuer.x509.publicKey)) {
      throw new CertificateError(`has ${nameOf(certificate)}, not issued by ${nameOf(issuer)}`);
    }
  });
  const actual = chain[0]?.x509.ca === true ? "authority" : "end entity";
  if (actual !== beginsWith) {
    throw new CertificateError(
      `begins with ${nameOf(chain[0])}, an ${actual}, expected an ${beginsWith}`,
    );
  }
}

/** @throws CertificateError when one is not valid at `atMs` */
export function expectValidAt(chain: readonly Certificate[], atMs: number): void {
  for (const certificate of chain) {
    const { validFromMs, validToMs } = certificate;
    if (atMs >= validFromMs && atMs <= validToMs) continue;
    const [from, to, at] = [validFromMs, validToMs, atMs].map((ms) => new Date(ms).toISOString());
    throw new CertificateError(
      `has ${nameOf(certificate)}, valid from ${from} to ${to}, which is not so at ${at}`,
    );
  }
}

export type RevocationList = {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Of the issuer's certificates, as encoded, hex. */
  readonly serials: ReadonlySet<string>;
};

const ecdsaWithSha256 = "1.2.840.10045.4.3.2";

/**
 * A list that `issuer` signed.
 *
 * @throws CertificateError
 */
export function readRevocationList(der: Uint8Array, issuer: Certificate): RevocationList {
  return reading("revocation list", () => {
    const [list, algorithm, signature] = childrenOf(expectTag(readDer(der), tags.sequence));
    const signed = expectTag(list, tags.sequence);
    const method = objectIdOf(childrenOf(expectTag(algorithm, tags.sequence))[0]);
    if (method !== ecdsaWithSha256) throw new DerError(`its signature is of ${method}`);
    // The first byte says how many bits of the last one are unused: none.
    const bytes = expectTag(signature, tags.bitString).content.subarray(1);
    if (!verifySignature("sha256", signed.whole, issuer.x509.publicKey, bytes)) {
      throw new DerError(`it is not signed by ${nameOf(issuer)}`);
    }
    return listedIn(childrenOf(signed), issuer);
  });
}

function listedIn(fields: readonly Der[], issuer: Certificate): RevocationList {
  // Version and algorithm come first; of those after the dates only the entries are a sequence.
  const rest = fields[0]?.tag === tags.integer ? fields.slice(1) : fields;
  const [, name, thisUpdate, nextUpdate, ...others] = rest;
  if (!Buffer.from(subjectOf(issuer)).equals(expectTag(name, tags.sequence).whole)) {
    throw new DerError(`it names another issuer than ${nameOf(issuer)}`);
  }
  const entries = others.find(({ tag }) => tag === tags.sequence);
  const serials = (entries === undefined ? [] : childrenOf(entries)).map((entry) =>
    bytesToHex(expectTag(childrenOf(entry)[0], tags.integer).content),
  );
  return {
    thisUpdateMs: timeOf(thisUpdate),
    nextUpdateMs: timeOf(nextUpdate),
    serials: new Set(serials),
  };
}

function subjectOf({ x509 }: Certificate): Uint8Array {
  const [toBeSigned] = childrenOf(readDer(x509.raw));
  const fields = childrenOf(expectTag(toBeSigned, tags.sequence));
  const rest = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  // Serial, algorithm, issuer, validity, subject.
  return expectTag(rest[4], tags.sequence).whole;
}

/** Its common name, or all of its name on one line. */
export function nameOf(certificate: Certificate | undefined): string {
  if (certificate === undefined) return "nothing";
  const { subject } = certificate.x509;
  const common = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ");
  return `"${common.slice(0, 80)}"`;
}

function reading<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`has a ${what} that cannot be used: ${reason}`, { cause: error });
  }
}
