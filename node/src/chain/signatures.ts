/**
 * What all EIP-712 statements to the membership contract share: its domain, the signature's form,
 * and how several signatures travel together.
 *
 * Nothing here or in votes.ts and vouchers.ts needs Node.js: pages and scripts may use it as it is.
 */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import { type MemberId, memberId } from "../consensus/ids.ts";
import type { Wallet } from "../runtime/attestation.ts";

/** Where a signature counts: it is worth nothing anywhere else. */
export type MembershipContract = {
  readonly chainId: number;
  /** Address, 0x-hex. */
  readonly contract: string;
};

/** @see EIP-712, "Definition of domainSeparator" */
export function domainOf({ chainId, contract }: MembershipContract) {
  return {
    name: "DstackMembershipNFT",
    version: "1",
    chainId,
    verifyingContract: contract as `0x${string}`,
  } as const;
}

/** 65 bytes as 0x-hex: s low, v 27 or 28. */
export function signedBy(wallet: Wallet, hash: Uint8Array): string {
  const signature = wallet.sign(hash);
  const [v = 0] = signature.subarray(64);
  return `0x${bytesToHex(signature.subarray(0, 64))}${(v + 27).toString(16)}`;
}

/**
 * Accepts what the contract accepts: 65 bytes, low s, v 27 or 28. Never throws.
 *
 * @returns the wallet that signed `hash`; null when the text is no signature
 */
export function signerOf(hash: Uint8Array, text: string): MemberId | null {
  if (!/^0x[0-9a-f]{128}1[bc]$/i.test(text)) return null;
  const bytes = hexToBytes(text.slice(2));
  try {
    const signature = secp256k1.Signature.fromCompact(bytes.subarray(0, 64));
    if (signature.hasHighS()) return null;
    const publicKey = signature.addRecoveryBit((bytes[64] ?? 0) - 27).recoverPublicKey(hash);
    const digest = keccak_256(publicKey.toRawBytes(false).subarray(1));
    return memberId(`0x${bytesToHex(digest.subarray(12))}`);
  } catch {
    return null; // r or s out of range, or no point has that r
  }
}

/** The signers' slots as a bitmap, and their signatures in slot order, as the contract reads them. */
export function packSignatures(
  signatures: readonly { readonly slot: number; readonly signature: string }[],
): { readonly signerBitmap: bigint; readonly blob: `0x${string}` } {
  const ordered = [...new Map(signatures.map((one) => [one.slot, one])).values()].sort(
    (a, b) => a.slot - b.slot,
  );
  return {
    signerBitmap: ordered.reduce((bitmap, { slot }) => bitmap | (1n << BigInt(slot)), 0n),
    blob: `0x${ordered.map(({ signature }) => signature.slice(2)).join("")}`,
  };
}
