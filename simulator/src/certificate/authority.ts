/** The two certificates above every leaf: the key management service's root and the app's own. */
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { AppKeys, Kms } from "../keys/kms.ts";
import { type P256KeyPair, p256KeyPair } from "../keys/p256.ts";
import { appIdExtension, usageExtension } from "./extensions.ts";

export type AppAuthority = {
  readonly appId: Uint8Array;
  readonly name: string;
  readonly keys: P256KeyPair;
  /** PEM: the app's authority, then the root. A leaf goes before them. */
  readonly issuers: readonly string[];
};

export const certificateSignature = { name: "ECDSA", hash: "SHA-256" };
const validFrom = new Date("1975-01-01T00:00:00Z");
/** RFC 5280, 4.1.2.5: the date of a certificate without a well-defined end. */
const validUntil = new Date("9999-12-31T23:59:59Z");

/** Keys and names follow from the arguments; serial numbers and signatures are new each time. */
export async function createAppAuthority(
  kms: Kms,
  appKeys: AppKeys,
  appId: Uint8Array,
): Promise<AppAuthority> {
  const [rootKeys, keys] = await Promise.all([
    p256KeyPair(kms.authorityKey),
    p256KeyPair(appKeys.authorityKey),
  ]);
  const root = { name: "O=Dstack, CN=Dstack KMS CA", keys: rootKeys };
  const app = { name: "O=Dstack, CN=Dstack App CA", keys };
  const issuers = await Promise.all([
    issueAuthority(app, root, 0, [appIdExtension(appId), usageExtension("app:ca")]),
    issueAuthority(root, root, 1, []),
  ]);
  return { appId, ...app, issuers };
}

type Party = { readonly name: string; readonly keys: P256KeyPair };

async function issueAuthority(
  subject: Party,
  issuer: Party,
  pathLength: number,
  extensions: readonly Extension[],
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    subject: subject.name,
    issuer: issuer.name,
    notBefore: validFrom,
    notAfter: validUntil,
    publicKey: subject.keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: certificateSignature,
    extensions: [
      new BasicConstraintsExtension(true, pathLength, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(subject.keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      ...extensions,
    ],
  });
  return pemText(certificate.toString("pem"));
}

/** PEM as the guest agent writes it: it ends with a line feed. */
export function pemText(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
