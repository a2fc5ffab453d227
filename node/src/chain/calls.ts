/** The contract's functions that a node calls, in the runtime's terms. */
import * as AbiFunction from "ox/AbiFunction";
import type { Chain, KeyProof } from "../runtime/ports.ts";
import { membershipAbi } from "./membership.abi.ts";
import type { ContractCall } from "./transactions.ts";
import { packSignatures } from "./votes.ts";

type ContractCalls = Pick<
  Chain,
  "register" | "announceBoot" | "submitNoConfidence" | "castVote" | "handOver" | "coldStart"
>;

const functions = {
  register: AbiFunction.fromAbi(membershipAbi, "register"),
  announceBoot: AbiFunction.fromAbi(membershipAbi, "announceBoot"),
  submitNoConfidence: AbiFunction.fromAbi(membershipAbi, "submitNoConfidence"),
  castVote: AbiFunction.fromAbi(membershipAbi, "castVote"),
  handOver: AbiFunction.fromAbi(membershipAbi, "handOver"),
  coldStart: AbiFunction.fromAbi(membershipAbi, "coldStart"),
};

export function createContractCalls(
  send: (call: ContractCall) => Promise<void>,
  keyProof: KeyProof,
): ContractCalls {
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
    announceBoot(bootKey, quoteHash) {
      const arguments_ = [hex(bootKey), hex(quoteHash)] as const;
      const data = AbiFunction.encodeData(functions.announceBoot, arguments_);
      return send({ name: "announceBoot", data });
    },
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
  };
}

function hex(text: string): `0x${string}` {
  return text.startsWith("0x") ? (text as `0x${string}`) : `0x${text}`;
}
