/** Keys that an app asks for by path, and the two signatures that lead from them to the root. */
import { ed25519 } from "@noble/curves/ed25519";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "./kdf.ts";
import type { AppKeys } from "./kms.ts";
import { compressedPublicKey, signRecoverable } from "./secp256k1.ts";

export type KeyAlgorithm = "secp256k1" | "ed25519";
export type DerivedKey = {
  readonly secret: Uint8Array;
  /** 33 bytes compressed for secp256k1, 32 bytes for ed25519. */
  readonly publicKey: Uint8Array;
};

/**
 * Derives the key at `path`, which is taken as it is written: no two spellings are equal. The
 * algorithm does not enter the derivation, so both algorithms share the 32 bytes of one path.
 */
export function deriveKey(keys: AppKeys, path: string, algorithm: KeyAlgorithm): DerivedKey {
  const secret = deriveSecret(keys.appKey, utf8ToBytes(path));
  const publicKey =
    algorithm === "ed25519" ? ed25519.getPublicKey(secret) : compressedPublicKey(secret);
  return { secret, publicKey };
}

/** The app key's signature over purpose and public key, then the root's over the app key. */
export function signatureChain(
  keys: AppKeys,
  purpose: string,
  publicKey: Uint8Array,
): readonly [Uint8Array, Uint8Array] {
  const statement = utf8ToBytes(`${purpose}:${bytesToHex(publicKey)}`);
  return [signRecoverable(statement, keys.appKey), keys.kmsSignature];
}
