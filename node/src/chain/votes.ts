/**
 * Votes of no confidence: EIP-712 signatures that the contract counts.
 *
 * @see EIP-712; the contract's `NoConfidence(uint64 term,uint8 successor,uint64 deadline)`
 */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import * as TypedData from "ox/TypedData";
import { type MemberId, memberId } from "../consensus/ids.ts";
import type {
  NoConfidenceCertificate,
  RecoverVoter,
  SignVote,
  VoteStatement,
  Wallet,
} from "../runtime/ports.ts";

/** The contract that the vote is for: signatures are worth nothing anywhere else. */
export type VotingContract = { readonly chainId: number; readonly contract: string };

/** The wallet signs; 65 bytes as 0x-hex, s low, v 27 or 28. */
export function createVoteSigner(contract: VotingContract, wallet: Wallet): SignVote {
  return async (statement) => {
    const signature = wallet.sign(voteHash(contract, statement));
    const [v = 0] = signature.subarray(64);
    return `0x${bytesToHex(signature.subarray(0, 64))}${(v + 27).toString(16)}`;
  };
}

/** Accepts what the contract accepts: 65 bytes, low s, v 27 or 28. Never throws. */
export function createVoteRecoverer(contract: VotingContract): RecoverVoter {
  return async (statement, signature) => {
    if (!isVoteStatement(statement) || !/^0x[0-9a-f]{128}1[bc]$/i.test(signature)) return null;
    return recover(voteHash(contract, statement), hexToBytes(signature.slice(2)));
  };
}

/** What wallets and tools need to show or sign the same vote. */
export function voteTypedData(contract: VotingContract, statement: VoteStatement) {
  return {
    domain: {
      name: "DstackMembershipNFT",
      version: "1",
      chainId: contract.chainId,
      verifyingContract: contract.contract as `0x${string}`,
    },
    types: {
      NoConfidence: [
        { name: "term", type: "uint64" },
        { name: "successor", type: "uint8" },
        { name: "deadline", type: "uint64" },
      ],
    },
    primaryType: "NoConfidence",
    message: {
      term: BigInt(statement.term),
      successor: statement.successorSlot,
      deadline: BigInt(statement.deadline),
    },
  } as const;
}

/** The signers' slots as a bitmap, and their signatures in slot order, as the contract reads them. */
export function packSignatures(signatures: NoConfidenceCertificate["signatures"]): {
  readonly signerBitmap: bigint;
  readonly blob: `0x${string}`;
} {
  const ordered = [...new Map(signatures.map((one) => [one.slot, one])).values()].sort(
    (a, b) => a.slot - b.slot,
  );
  return {
    signerBitmap: ordered.reduce((bitmap, { slot }) => bitmap | (1n << BigInt(slot)), 0n),
    blob: `0x${ordered.map(({ signature }) => signature.slice(2)).join("")}`,
  };
}

function voteHash(contract: VotingContract, statement: VoteStatement): Uint8Array {
  const payload = TypedData.getSignPayload(voteTypedData(contract, statement));
  return hexToBytes(payload.slice(2));
}

function isVoteStatement({ term, successorSlot, deadline }: VoteStatement): boolean {
  const counts = [term, successorSlot, deadline];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) && successorSlot <= 255;
}

function recover(hash: Uint8Array, bytes: Uint8Array): MemberId | null {
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
