/**
 * Certificates and revocation lists that are the same bytes on every machine: serial numbers and
 * dates are given, and signatures have the nonce of RFC 6979.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";
import { certificateSignature, pemText } from "../certificate/authority.ts";
import { integer } from "../certificate/der.ts";
import { p256KeyPair, p256Spki, signP256 } from "../keys/p256.ts";
import type { Party } from "./party.ts";

export type IssuedCertificate = {
  readonly der: Uint8Array;
  /** With a line feed at its end. */
  readonly pem: string;
};

const validFrom = new Date("2020-01-01T00:00:00Z");
const validUntil = new Date("2049-12-31T23:59:59Z");
const crlNumberOid = "2.5.29.20";

/**
 * @param certified.pathLength how many authorities may follow it; `null` for one that is none
 * @param certified.extensions besides those of every certificate
 */
export async function issueCertificate(
  issuer: Party,
  subject: Party,
  certified: { readonly pathLength: number | null; readonly extensions?: readonly Extension[] },
): Promise<IssuedCertificate> {
  const { pathLength, extensions = [] } = certified;
  const { privateKey } = await p256KeyPair(issuer.secret);
  const isAuthority = pathLength !== null;
  const usages = isAuthority
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: subject.serialNumber,
      subject: subject.name,
      issuer: issuer.name,
      notBefore: validFrom,
      notAfter: validUntil,
      publicKey: Uint8Array.from(p256Spki(subject.secret)),
      signingKey: privateKey,
      signingAlgorithm: certificateSignature,
      extensions: [
        new AuthorityKeyIdentifierExtension(issuer.keyId, false),
        new SubjectKeyIdentifierExtension(subject.keyId, false),
        new KeyUsagesExtension(usages, true),
        new BasicConstraintsExtension(isAuthority, pathLength ?? undefined, true),
        ...extensions,
      ],
    },
    deterministicCrypto(issuer.secret),
  );
  return {
    der: new Uint8Array(certificate.rawData),
    pem: pemText(certificate.toString("pem")),
  };
}

export type RevocationList = {
  /** Counts the lists of one issuer. */
  readonly number: number;
  /** Serial numbers, hex. */
  readonly revoked: readonly string[];
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
};

/** A list that is valid as long as the certificates are. */
export const lastingPeriod = { thisUpdate: validFrom, nextUpdate: validUntil };

/** @returns DER */
export async function issueRevocationList(
  issuer: Party,
  list: RevocationList,
): Promise<Uint8Array> {
  const { privateKey } = await p256KeyPair(issuer.secret);
  const revocation = { revocationDate: validFrom, reason: X509CrlReason.keyCompromise };
  const { rawData } = await X509CrlGenerator.create(
    {
      issuer: issuer.name,
      thisUpdate: list.thisUpdate,
      nextUpdate: list.nextUpdate,
      entries: list.revoked.map((serialNumber) => ({ serialNumber, ...revocation })),
      signingKey: privateKey,
      signingAlgorithm: certificateSignature,
      extensions: [
        new AuthorityKeyIdentifierExtension(issuer.keyId, false),
        new Extension(crlNumberOid, false, Uint8Array.from(integer(list.number))),
      ],
    },
    deterministicCrypto(issuer.secret),
  );
  return new Uint8Array(rawData);
}

/** What the generators use of Web Cryptography: they sign, here with `secret` and without chance. */
function deterministicCrypto(secret: Uint8Array): webcrypto.Crypto {
  const sign = async (
    _algorithm: unknown,
    _key: unknown,
    data: ArrayBuffer,
  ): Promise<ArrayBuffer> => Uint8Array.from(signP256(new Uint8Array(data), secret)).buffer;
  return Object.create(webcrypto, { subtle: { value: { sign } } });
}
