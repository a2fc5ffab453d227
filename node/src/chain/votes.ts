/**
 * Votes of no confidence: EIP-712 signatures that the contract counts.
 *
 * @see EIP-712; the contract's `NoConfidence(uint64 term,uint8 successor,uint64 deadline)`
 */
import { hexToBytes } from "@noble/hashes/utils";
import * as TypedData from "ox/TypedData";
import type { Wallet } from "../runtime/attestation.ts";
import type { RecoverVoter, SignVote, VoteStatement } from "../runtime/ports.ts";
import { domainOf, type MembershipContract, signedBy, signerOf } from "./signatures.ts";

export function createVoteSigner(contract: MembershipContract, wallet: Wallet): SignVote {
  return async (statement) => signedBy(wallet, voteHash(contract, statement));
}

/** Accepts what the contract accepts. Never throws. */
export function createVoteRecoverer(contract: MembershipContract): RecoverVoter {
  return async (statement, signature) =>
    isVoteStatement(statement) ? signerOf(voteHash(contract, statement), signature) : null;
}

/** What wallets and tools need to show or sign the same vote. */
export function voteTypedData(contract: MembershipContract, statement: VoteStatement) {
  return {
    domain: domainOf(contract),
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

/** The 32 bytes to sign. Throws on a statement that is out of range. */
export function voteHash(contract: MembershipContract, statement: VoteStatement): Uint8Array {
  const payload = TypedData.getSignPayload(voteTypedData(contract, statement));
  return hexToBytes(payload.slice(2));
}

function isVoteStatement({ term, successorSlot, deadline }: VoteStatement): boolean {
  const counts = [term, successorSlot, deadline];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) && successorSlot <= 255;
}
