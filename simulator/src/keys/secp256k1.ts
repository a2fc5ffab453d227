/** Signatures of the key chain: raw keccak256 digests, no Ethereum prefix, recoverable. */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils";

/** The 33-byte compressed SEC1 public key. */
export function compressedPublicKey(secret: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(secret, true);
}

/**
 * Signs keccak256 of `message`: 65 bytes r, s, v with low s, v 0 or 1 (an EVM adds 27), and the
 * RFC 6979 nonce with SHA-256, so that equal messages give equal signatures.
 */
export function signRecoverable(message: Uint8Array, secret: Uint8Array): Uint8Array {
  const signature = secp256k1.sign(keccak_256(message), secret, { lowS: true, prehash: false });
  return concatBytes(signature.toCompactRawBytes(), Uint8Array.of(signature.recovery));
}

/** The EIP-55 spelling of the account that `secret` controls. */
export function accountAddress(secret: Uint8Array): string {
  const uncompressed = secp256k1.getPublicKey(secret, false);
  const address = bytesToHex(keccak_256(uncompressed.subarray(1)).subarray(12));
  const digest = bytesToHex(keccak_256(utf8ToBytes(address)));
  const isUpper = (position: number): boolean => Number.parseInt(digest[position] ?? "0", 16) >= 8;
  const spelled = [...address].map((digit, i) => (isUpper(i) ? digit.toUpperCase() : digit));
  return `0x${spelled.join("")}`;
}
