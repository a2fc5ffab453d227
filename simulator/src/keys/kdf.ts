/**
 * The one key derivation of dstack: HKDF-SHA256 with the salt "RATLS". Its contexts are joined
 * without separators or lengths, as the key management service and the guest agent do.
 */
import { hkdf } from "@noble/hashes/hkdf";
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils";

const salt = utf8ToBytes("RATLS");
const secretBytes = 32;

/** Derives 32 bytes from `key`. Equal arguments give equal secrets, on every machine. */
export function deriveSecret(key: Uint8Array, ...contexts: readonly Uint8Array[]): Uint8Array {
  return hkdf(sha256, key, salt, concatBytes(...contexts), secretBytes);
}
