/**
 * P-256 keys in the fixed encodings that dstack hashes or hands out.
 *
 * The lengths matter: clients cut secrets out of the 138-byte PKCS#8 form by position, and the key
 * provider's id is the hex of the 91-byte SubjectPublicKeyInfo.
 *
 * @see RFC 5208, RFC 5915, RFC 5480
 */
import { webcrypto } from "node:crypto";
import { p256 } from "@noble/curves/nist";
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes, hexToBytes } from "@noble/hashes/utils";

const spkiPrefix = hexToBytes("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const pkcs8Prefix = hexToBytes(
  "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
);
const pkcs8PublicKeyPrefix = hexToBytes("a144034200");
const algorithm = { name: "ECDSA", namedCurve: "P-256" };

/** The 65-byte uncompressed SEC1 public key. */
export function p256PublicKey(secret: Uint8Array): Uint8Array {
  return p256.getPublicKey(secret, false);
}

/** SubjectPublicKeyInfo, 91 bytes DER. */
export function p256Spki(secret: Uint8Array): Uint8Array {
  return concatBytes(spkiPrefix, p256PublicKey(secret));
}

/** PKCS#8 with the public key and without curve parameters inside: 138 bytes DER. */
export function p256Pkcs8(secret: Uint8Array): Uint8Array {
  return concatBytes(pkcs8Prefix, secret, pkcs8PublicKeyPrefix, p256PublicKey(secret));
}

/** PKCS#8 as PEM with lines of 64 characters, as the guest agent returns keys. */
export function p256Pem(secret: Uint8Array): string {
  const base64 = Buffer.from(p256Pkcs8(secret)).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

/** ECDSA over SHA-256 with the nonce of RFC 6979: 64 bytes r and s, of which s may be high. */
export function signP256(message: Uint8Array, secret: Uint8Array): Uint8Array {
  return p256.sign(sha256(message), secret, { lowS: false, prehash: false }).toCompactRawBytes();
}

export type P256KeyPair = {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
};

/** The same key as the Web Cryptography handles that certificates are signed with. */
export async function p256KeyPair(secret: Uint8Array): Promise<P256KeyPair> {
  const { subtle } = webcrypto;
  const [privateKey, publicKey] = await Promise.all([
    subtle.importKey("pkcs8", Uint8Array.from(p256Pkcs8(secret)), algorithm, true, ["sign"]),
    subtle.importKey("spki", Uint8Array.from(p256Spki(secret)), algorithm, true, ["verify"]),
  ]);
  return { privateKey, publicKey };
}
