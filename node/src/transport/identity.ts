/**
 * The boot key: an Ed25519 key pair drawn at process start, held in memory, never stored.
 *
 * **Safety assumes** that the private key never leaves this process.
 *
 * TLS wants a certificate, so the public key travels in a self-signed one. Nothing in it but the
 * key is believed: names, dates and serial number are the same for every boot.
 */
import {
  constants,
  generateKeyPair,
  type KeyObject,
  sign,
  type X509Certificate,
} from "node:crypto";
import { promisify } from "node:util";
import { type BootKey, bootKey } from "../consensus/ids.ts";

export type BootIdentity = {
  readonly bootKey: BootKey;
  /** PEM, self-signed. */
  readonly certificate: string;
  /** A KeyObject, because it does not show its bytes when printed. */
  readonly privateKey: KeyObject;
};

export async function createBootIdentity(): Promise<BootIdentity> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("ed25519");
  return {
    bootKey: rawKey(publicKey),
    certificate: certify(publicKey, privateKey),
    privateKey,
  };
}

/**
 * TLS 1.3 on both ends, certificates on both ends. There is no authority to check them against: the
 * key in them is the identity, and `Door` says whose it is. No sessions are resumed, so that every
 * connection proves its key anew.
 */
export function tlsOptions(identity: BootIdentity) {
  return {
    cert: identity.certificate,
    key: identity.privateKey.export({ type: "pkcs8", format: "pem" }),
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: false,
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

/** The key that a peer proved to hold in its TLS handshake; `null` unless it is an Ed25519 key. */
export function keyOfCertificate(certificate: X509Certificate | undefined): BootKey | null {
  try {
    const key = certificate?.publicKey;
    return key?.asymmetricKeyType === "ed25519" ? rawKey(key) : null;
  } catch {
    // OpenSSL throws on keys that it cannot read.
    return null;
  }
}

function rawKey(key: KeyObject): BootKey {
  const { x } = key.export({ format: "jwk" });
  return bootKey(Buffer.from(x ?? "", "base64url").toString("hex"));
}

/**
 * The least certificate that TLS accepts. Written out because a general X.509 library costs a
 * member 23 MB of memory and 80 ms of its start.
 *
 * @returns PEM
 * @see RFC 5280 §4.1 (fields), RFC 8410 §3 (Ed25519), ITU-T X.690 (DER)
 */
export function certify(publicKey: KeyObject, privateKey: KeyObject): string {
  const version3 = der(0xa0, der(0x02, Buffer.of(2)));
  const serialNumber = der(0x02, Buffer.of(1));
  const ed25519 = der(0x30, der(0x06, Buffer.of(0x2b, 0x65, 0x70)));
  const commonName = der(0x06, Buffer.of(0x55, 0x04, 0x03));
  const name = der(
    0x30,
    der(0x31, der(0x30, commonName, der(0x0c, Buffer.from("dstack-cluster boot")))),
  );
  const validity = der(
    0x30,
    der(0x17, Buffer.from("700101000000Z")),
    der(0x18, Buffer.from("99991231235959Z")),
  );
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const body = der(0x30, version3, serialNumber, ed25519, name, validity, name, subjectKey);
  const signature = der(0x03, Buffer.of(0), sign(null, body, privateKey));
  return pem(der(0x30, body, ed25519, signature));
}

/** One DER value. Nothing here exceeds 65,535 bytes, so three forms of length are enough. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), body]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), body]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), body]);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
