/** The contract's functions that a node calls, in the runtime's terms. */
import * as AbiFunction from "ox/AbiFunction";
import type { KeyProof } from "../runtime/attestation.ts";
import type { Chain } from "../runtime/ports.ts";
import { membershipAbi } from "./membership.abi.ts";
import { packSignatures } from "./signatures.ts";
import type { ContractCall } from "./transactions.ts";
import { checkpointWords } from "./vouchers.ts";

type Send = (call: ContractCall) => Promise<void>;
type RegistrationCalls = Pick<Chain, "register" | "reregister" | "announceBoot">;
type TermCalls = Pick<
  Chain,
  "submitNoConfidence" | "castVote" | "handOver" | "coldStart" | "admit" | "remove"
>;
type CheckpointCalls = Pick<Chain, "anchor" | "reportEquivocation">;

const functions = {
  register: AbiFunction.fromAbi(membershipAbi, "register"),
  reregister: AbiFunction.fromAbi(membershipAbi, "reregister"),
  announceBoot: AbiFunction.fromAbi(membershipAbi, "announceBoot"),
  submitNoConfidence: AbiFunction.fromAbi(membershipAbi, "submitNoConfidence"),
  castVote: AbiFunction.fromAbi(membershipAbi, "castVote"),
  handOver: AbiFunction.fromAbi(membershipAbi, "handOver"),
  coldStart: AbiFunction.fromAbi(membershipAbi, "coldStart"),
  admit: AbiFunction.fromAbi(membershipAbi, "admit"),
  remove: AbiFunction.fromAbi(membershipAbi, "remove"),
  anchor: AbiFunction.fromAbi(membershipAbi, "anchor"),
  reportEquivocation: AbiFunction.fromAbi(membershipAbi, "reportEquivocation"),
};

export function createContractCalls(
  send: Send,
  keyProof: KeyProof,
): RegistrationCalls & TermCalls & CheckpointCalls {
  return { ...registrationCalls(send, keyProof), ...termCalls(send), ...checkpointCalls(send) };
}

function registrationCalls(send: Send, keyProof: KeyProof): RegistrationCalls {
  return {
    register(tokenId, { instanceId, bootKey, quoteHash, endpoint, peerEndpoint }) {
      const record = {
        instanceId: hex(instanceId),
        bootKey: hex(bootKey),
        quoteHash: hex(quoteHash),
        endpoint,
        peerEndpoint,
      };
      const proof = {
        derivedPublicKey: hex(keyProof.derivedPublicKey),
        appPublicKey: hex(keyProof.appPublicKey),
        appSignature: hex(keyProof.appSignature),
        kmsSignature: hex(keyProof.kmsSignature),
      };
      const data = AbiFunction.encodeData(functions.register, [tokenId, record, proof]);
      return send({ name: "register", data });
    },
    reregister(bootKey, quoteHash) {
      const boot = [hex(bootKey), hex(quoteHash)] as const;
      return send({ name: "reregister", data: AbiFunction.encodeData(functions.reregister, boot) });
    },
    announceBoot(bootKey, quoteHash) {
      const boot = [hex(bootKey), hex(quoteHash)] as const;
      const data = AbiFunction.encodeData(functions.announceBoot, boot);
      return send({ name: "announceBoot", data });
    },
  };
}

function termCalls(send: Send): TermCalls {
  return {
    submitNoConfidence({ term, successorSlot, deadline, signatures }) {
      const { signerBitmap, blob } = packSignatures(signatures);
      const data = AbiFunction.encodeData(functions.submitNoConfidence, [
        BigInt(term),
        successorSlot,
        BigInt(deadline),
        signerBitmap,
        blob,
      ]);
      return send({ name: "submitNoConfidence", data });
    },
    castVote({ term, successorSlot, noConfidence }) {
      const vote = [BigInt(term), successorSlot, noConfidence] as const;
      return send({ name: "castVote", data: AbiFunction.encodeData(functions.castVote, vote) });
    },
    handOver({ term, successorSlot }) {
      const change = [BigInt(term), successorSlot] as const;
      return send({ name: "handOver", data: AbiFunction.encodeData(functions.handOver, change) });
    },
    coldStart({ term, bootKeys }) {
      const start = [BigInt(term), bootKeys.map(hex)] as const;
      return send({ name: "coldStart", data: AbiFunction.encodeData(functions.coldStart, start) });
    },
    admit({ term, slot }) {
      const change = [BigInt(term), slot] as const;
      return send({ name: "admit", data: AbiFunction.encodeData(functions.admit, change) });
    },
    remove({ term, slot }) {
      const change = [BigInt(term), slot] as const;
      return send({ name: "remove", data: AbiFunction.encodeData(functions.remove, change) });
    },
  };
}

function checkpointCalls(send: Send): CheckpointCalls {
  return {
    anchor({ checkpoint, signatures }) {
      const { coldTerm, index, logRoot, stateHash } = checkpointWords(checkpoint);
      const { signerBitmap, blob } = packSignatures(signatures);
      const words = [coldTerm, index, logRoot, stateHash, signerBitmap, blob] as const;
      return send({ name: "anchor", data: AbiFunction.encodeData(functions.anchor, words) });
    },
    reportEquivocation([a, b]) {
      const data = AbiFunction.encodeData(functions.reportEquivocation, [
        checkpointWords(a.checkpoint),
        hex(a.signature),
        checkpointWords(b.checkpoint),
        hex(b.signature),
      ]);
      return send({ name: "reportEquivocation", data });
    },
  };
}

function hex(text: string): `0x${string}` {
  return text.startsWith("0x") ? (text as `0x${string}`) : `0x${text}`;
}
