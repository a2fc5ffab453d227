import { ed25519 } from "@noble/curves/ed25519";
import { secp256k1 } from "@noble/curves/secp256k1";
import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import type { Fields } from "../http/fields.ts";
import type { Instance } from "../instance.ts";
import { deriveKey, signatureChain } from "../keys/derived.ts";
import { RefusedRequest } from "../refusal.ts";

type SignatureAlgorithm = "ed25519" | "secp256k1" | "secp256k1_prehashed";

const signingPath = "vms";
const signingPurpose = "signing";
const digestBytes = 32;
const signatureBytes = 64;

/** Sign: with the app's key at the path `vms`, whose chain is for the purpose `signing`. */
export function sign(instance: Instance, fields: Fields): Readonly<Record<string, unknown>> {
  const { keys } = instance.app;
  const algorithm = signatureAlgorithm(fields.text("algorithm"));
  const isEd25519 = algorithm === "ed25519";
  const key = deriveKey(keys, signingPath, isEd25519 ? "ed25519" : "secp256k1");
  const data = fields.bytes("data");
  const signature = isEd25519
    ? ed25519.sign(data, key.secret)
    : signDigest(digestOf(algorithm, data), key.secret);
  const chain = [signature, ...signatureChain(keys, signingPurpose, key.publicKey)];
  return {
    signature: bytesToHex(signature),
    signature_chain: chain.map((part) => bytesToHex(part)),
    public_key: bytesToHex(key.publicKey),
  };
}

/** Verify: for a key of anyone's. It says nothing about the chain. */
export function verify(_instance: Instance, fields: Fields): { readonly valid: boolean } {
  const algorithm = signatureAlgorithm(fields.text("algorithm"));
  const data = fields.bytes("data");
  const signature = fields.bytes("signature");
  const publicKey = fields.bytes("public_key");
  if (algorithm === "ed25519") return { valid: verifyEd25519(data, signature, publicKey) };
  return { valid: verifySecp256k1(digestOf(algorithm, data), signature, publicKey) };
}

/** Unlike GetKey, the empty name stands for nothing here. */
function signatureAlgorithm(name: string): SignatureAlgorithm {
  if (name === "k256") return "secp256k1";
  if (name === "ed25519" || name === "secp256k1" || name === "secp256k1_prehashed") return name;
  throw new RefusedRequest("Unsupported algorithm");
}

function digestOf(algorithm: "secp256k1" | "secp256k1_prehashed", data: Uint8Array): Uint8Array {
  if (algorithm === "secp256k1") return sha256(data);
  if (data.length === digestBytes) return data;
  throw new RefusedRequest(
    `Pre-hashed signing requires a 32-byte digest, but received ${data.length} bytes`,
  );
}

/** 64 bytes r and s with low s, without a recovery byte. */
function signDigest(digest: Uint8Array, secret: Uint8Array): Uint8Array {
  return secp256k1.sign(digest, secret, { lowS: true, prehash: false }).toCompactRawBytes();
}

function verifyEd25519(data: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  requireKey(() => ed25519.ExtendedPoint.fromHex(publicKey));
  requireSignatureLength(signature);
  return ed25519.verify(signature, data, publicKey, { zip215: false });
}

function verifySecp256k1(
  digest: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  requireKey(() => secp256k1.ProjectivePoint.fromHex(publicKey));
  requireSignatureLength(signature);
  try {
    secp256k1.Signature.fromCompact(signature);
  } catch {
    throw new RefusedRequest("invalid signature: expected r and s within the group order");
  }
  return secp256k1.verify(signature, digest, publicKey, { lowS: true, prehash: false });
}

function requireKey(decode: () => unknown): void {
  try {
    decode();
  } catch {
    throw new RefusedRequest("invalid public key");
  }
}

function requireSignatureLength(signature: Uint8Array): void {
  if (signature.length === signatureBytes) return;
  throw new RefusedRequest(`invalid signature: expected 64 bytes, got ${signature.length}`);
}
