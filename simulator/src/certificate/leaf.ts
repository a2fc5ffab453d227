/** End-entity certificates: what GetTlsKey and the legacy DeriveKey answer with. */
import "reflect-metadata";
import { isIP } from "node:net";
import { p256 } from "@noble/curves/nist";
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { p256KeyPair, p256Pem } from "../keys/p256.ts";
import { type AppAuthority, certificateSignature, pemText } from "./authority.ts";
import { appIdExtension, usageExtension } from "./extensions.ts";

export type LeafRequest = {
  /** 32 bytes; without it the key is drawn anew. */
  readonly secret?: Uint8Array;
  /** The common name, and the whole subject. It may be empty. */
  readonly subject: string;
  /** Host names and IP addresses. */
  readonly alternativeNames?: readonly string[];
  readonly serverAuth?: boolean;
  readonly clientAuth?: boolean;
  /** Seconds since the Unix epoch. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly appInfo?: Extension;
  readonly attestation?: Extension;
};

export type Certificate = {
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM: the leaf, the app's authority, the root. */
  readonly chain: readonly string[];
};

const validFrom = new Date("1975-01-01T00:00:00Z");
const validityMs = 3650 * 24 * 60 * 60 * 1000;

export async function issueLeaf(
  authority: AppAuthority,
  request: LeafRequest,
): Promise<Certificate> {
  const secret = request.secret ?? p256.utils.randomPrivateKey();
  const { publicKey } = await p256KeyPair(secret);
  const { notBefore, notAfter } = request;
  const certificate = await X509CertificateGenerator.create({
    subject: new Name([{ CN: [{ utf8String: request.subject }] }]),
    issuer: authority.name,
    notBefore: notBefore === undefined ? validFrom : new Date(notBefore * 1000),
    notAfter:
      notAfter === undefined ? new Date(Date.now() + validityMs) : new Date(notAfter * 1000),
    publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: certificateSignature,
    extensions: leafExtensions(authority, request),
  });
  return {
    key: p256Pem(secret),
    chain: [pemText(certificate.toString("pem")), ...authority.issuers],
  };
}

function leafExtensions(authority: AppAuthority, request: LeafRequest): Extension[] {
  const usages = [
    ...(request.serverAuth ? [ExtendedKeyUsage.serverAuth] : []),
    ...(request.clientAuth ? [ExtendedKeyUsage.clientAuth] : []),
  ];
  const names = (request.alternativeNames ?? []).map(generalName);
  return [
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ...(usages.length > 0 ? [new ExtendedKeyUsageExtension(usages)] : []),
    appIdExtension(authority.appId),
    ...(request.appInfo ? [request.appInfo] : []),
    usageExtension("app:custom"),
    ...(request.attestation ? [request.attestation] : []),
  ];
}

function generalName(name: string): JsonGeneralNames[number] {
  return { type: isIP(name) > 0 ? "ip" : "dns", value: name };
}
