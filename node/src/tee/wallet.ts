/**
 * The node's wallet: a secp256k1 key that dstack derives for this app and this instance.
 *
 * Safety assumes: the key reaches nobody outside this closure; dstack gives it to this app alone.
 */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils";
import { type MemberId, memberId } from "../consensus/ids.ts";
import type { Wallet } from "../runtime/attestation.ts";

/** @param privateKey 32 bytes; kept in the returned closure and nowhere else */
export function walletOf(privateKey: Uint8Array): Wallet {
  return {
    address: addressOf(secp256k1.getPublicKey(privateKey, false)),
    sign(hash) {
      const signature = secp256k1.sign(hash, privateKey, { lowS: true, prehash: false });
      return concatBytes(signature.toCompactRawBytes(), Uint8Array.of(signature.recovery));
    },
  };
}

/**
 * The public key that signed, 65 bytes uncompressed, or null when `signature` is not one.
 *
 * @param signature r ‖ s ‖ v, 65 bytes, v 0 or 1
 */
export function recoverPublicKey(hash: Uint8Array, signature: Uint8Array): Uint8Array | null {
  const recovery = signature[64];
  if (signature.length !== 65 || (recovery !== 0 && recovery !== 1)) return null;
  try {
    return secp256k1.Signature.fromCompact(signature.subarray(0, 64))
      .addRecoveryBit(recovery)
      .recoverPublicKey(hash)
      .toRawBytes(false);
  } catch {
    return null; // r or s out of range, or no point has that r
  }
}

/** @param publicKey 65 bytes, uncompressed */
export function addressOf(publicKey: Uint8Array): MemberId {
  return memberId(`0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`);
}

/** @param publicKey 65 bytes, uncompressed */
export function compressed(publicKey: Uint8Array): Uint8Array {
  return secp256k1.Point.fromBytes(publicKey).toBytes(true);
}

/** What a wallet signs when it signs text or bytes for people: EIP-191, version 0x45. */
export function personalHash(message: Uint8Array): Uint8Array {
  const prefix = `\u0019Ethereum Signed Message:\n${message.length}`;
  return keccak_256(concatBytes(utf8ToBytes(prefix), message));
}
