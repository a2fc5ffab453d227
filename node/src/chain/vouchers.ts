/**
 * Members' signatures over checkpoints: EIP-712, so that the contract can check certificates and
 * convict who signed two roots for one index.
 *
 * @see EIP-712; the contract's
 *   `Checkpoint(uint64 coldTerm,uint64 index,bytes32 logRoot,bytes32 stateHash)`
 */
import { hexToBytes } from "@noble/hashes/utils";
import * as TypedData from "ox/TypedData";
import type { Checkpoint } from "../consensus/checkpoint.ts";
import type { Wallet } from "../runtime/attestation.ts";
import type { RecoverVoucher, SignCheckpoint } from "../runtime/ports.ts";
import { domainOf, type MembershipContract, signedBy, signerOf } from "./signatures.ts";

export function createCheckpointSigner(
  contract: MembershipContract,
  wallet: Wallet,
): SignCheckpoint {
  return async (checkpoint) => signedBy(wallet, checkpointHash(contract, checkpoint));
}

/** Accepts what the contract accepts. Never throws. */
export function createVoucherRecoverer(contract: MembershipContract): RecoverVoucher {
  return async (checkpoint, signature) =>
    isCheckpoint(checkpoint) ? signerOf(checkpointHash(contract, checkpoint), signature) : null;
}

/** What wallets and tools need to show or check the same checkpoint. */
export function checkpointTypedData(contract: MembershipContract, checkpoint: Checkpoint) {
  return {
    domain: domainOf(contract),
    types: {
      Checkpoint: [
        { name: "coldTerm", type: "uint64" },
        { name: "index", type: "uint64" },
        { name: "logRoot", type: "bytes32" },
        { name: "stateHash", type: "bytes32" },
      ],
    },
    primaryType: "Checkpoint",
    message: checkpointWords(checkpoint),
  } as const;
}

/** The 32 bytes to sign. Throws on a checkpoint that is out of range. */
export function checkpointHash(contract: MembershipContract, checkpoint: Checkpoint): Uint8Array {
  const payload = TypedData.getSignPayload(checkpointTypedData(contract, checkpoint));
  return hexToBytes(payload.slice(2));
}

/** The checkpoint in the contract's types. */
export function checkpointWords({ coldTerm, index, logRoot, stateHash }: Checkpoint) {
  return {
    coldTerm: BigInt(coldTerm),
    index: BigInt(index),
    logRoot: `0x${logRoot}`,
    stateHash: `0x${stateHash}`,
  } as const;
}

function isCheckpoint({ coldTerm, index, logRoot, stateHash }: Checkpoint): boolean {
  return (
    [coldTerm, index].every((count) => Number.isSafeInteger(count) && count >= 0) &&
    [logRoot, stateHash].every((word) => /^[0-9a-f]{64}$/.test(word))
  );
}
