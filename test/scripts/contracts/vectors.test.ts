import { secp256k1 } from "@noble/curves/secp256k1";
import { sha256 } from "@noble/hashes/sha2";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { type Hex, hashTypedData, keccak256, toHex } from "viem";
import { publicKeyToAddress } from "viem/utils";
import { expect, test } from "vitest";

// The contract's tests read this file: what they take for granted is computed here by other means.
const vectorsPath = "../../../contracts/test/vectors.json";

test("the contract's test vectors are what noble and viem compute", async () => {
  const vectors = {
    keyProof: keyProofVector(),
    digests: digestVectors(),
    receipts: [1, 2, 3, 6, 7, 8, 13].map(receiptVector),
  };
  await expect(`${JSON.stringify(vectors, null, 2)}\n`).toMatchFileSnapshot(vectorsPath);
});

/** The chain of two signatures, signed and encoded as dstack's KMS and guest agent do. */
function keyProofVector() {
  const [kmsKey, appKey, nodeKey] = ["kms", "app", "node"].map(secretOf) as [Key, Key, Key];
  const appId = keccak_256(utf8ToBytes("app id")).slice(0, 20);
  const instanceId = keccak_256(utf8ToBytes("instance id")).slice(0, 20);
  const purpose = `cluster-node:${bytesToHex(instanceId)}`;
  const nodeMessage = utf8ToBytes(`${purpose}:${bytesToHex(publicKeyOf(nodeKey, true))}`);
  const kmsMessage = concatBytes(
    utf8ToBytes("dstack-kms-issued:"),
    appId,
    publicKeyOf(appKey, true),
  );
  return {
    kmsRoot: publicKeyToAddress(toHex(publicKeyOf(kmsKey, false))),
    appId: toHex(appId),
    instanceId: toHex(instanceId),
    caller: publicKeyToAddress(toHex(publicKeyOf(nodeKey, false))),
    derivedPublicKey: toHex(publicKeyOf(nodeKey, false).slice(1)),
    appPublicKey: toHex(publicKeyOf(appKey, false).slice(1)),
    appSignature: signatureOf(appKey, nodeMessage),
    kmsSignature: signatureOf(kmsKey, kmsMessage),
  };
}

type Key = Uint8Array;

function secretOf(name: string): Key {
  return keccak_256(utf8ToBytes(`test vector: ${name}`));
}

function publicKeyOf(key: Key, compressed: boolean): Uint8Array {
  return secp256k1.getPublicKey(key, compressed);
}

/** r, s and a v of 0 or 1, over the raw Keccak hash of the message. */
function signatureOf(key: Key, message: Uint8Array): Hex {
  const signature = secp256k1.sign(keccak_256(message), key, { lowS: true });
  return toHex(concatBytes(signature.toCompactRawBytes(), Uint8Array.of(signature.recovery)));
}

function digestVectors() {
  const chainId = 31_337;
  const verifyingContract = "0x5fbdb2315678afecb367f032d93f642f64180aa3";
  const domain = { name: "DstackMembershipNFT", version: "1", chainId, verifyingContract } as const;
  const noConfidence = { term: 7n, successor: 2, deadline: 1_800_000_000n };
  const checkpoint = {
    coldTerm: 3n,
    index: 4_000n,
    logRoot: keccak256(toHex("log root")),
    stateHash: keccak256(toHex("state hash")),
  };
  return {
    chainId,
    verifyingContract,
    noConfidence: hashTypedData({
      domain,
      types: {
        NoConfidence: [
          { name: "term", type: "uint64" },
          { name: "successor", type: "uint8" },
          { name: "deadline", type: "uint64" },
        ],
      },
      primaryType: "NoConfidence",
      message: noConfidence,
    }),
    checkpoint: hashTypedData({
      domain,
      types: {
        Checkpoint: [
          { name: "coldTerm", type: "uint64" },
          { name: "index", type: "uint64" },
          { name: "logRoot", type: "bytes32" },
          { name: "stateHash", type: "bytes32" },
        ],
      },
      primaryType: "Checkpoint",
      message: checkpoint,
    }),
  };
}

/** A log of so many entries, its RFC 9162 tree head, and an inclusion proof for every entry. */
function receiptVector(size: number) {
  const entries = Array.from({ length: size }, (_, i) => utf8ToBytes(`entry ${i + 1}`));
  const prevHashes: Uint8Array[] = [new Uint8Array(32)];
  for (const [i, entry] of entries.entries()) {
    prevHashes.push(sha256(concatBytes(prevHashes[i] as Uint8Array, entry)));
  }
  const leaves = prevHashes.slice(1);
  return {
    root: toHex(treeHead(leaves)),
    entries: entries.map((entry) => toHex(entry)),
    prevHashes: prevHashes.slice(0, size).map((hash) => toHex(hash)),
    // Joined, since the nodes of a proof are all of one length.
    paths: leaves.map((_, i) => toHex(concatBytes(...inclusionPath(i, leaves)))),
  };
}

/** RFC 9162, section 2.1.1: recursive, as it is written there. */
function treeHead(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return sha256(concatBytes(hexToBytes("00"), leaves[0] as Uint8Array));
  const half = largestPowerOfTwoBelow(leaves.length);
  return sha256(
    concatBytes(hexToBytes("01"), treeHead(leaves.slice(0, half)), treeHead(leaves.slice(half))),
  );
}

/** RFC 9162, section 2.1.3.1. */
function inclusionPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const half = largestPowerOfTwoBelow(leaves.length);
  const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
  return index < half
    ? [...inclusionPath(index, left), treeHead(right)]
    : [...inclusionPath(index - half, right), treeHead(left)];
}

function largestPowerOfTwoBelow(count: number): number {
  return 2 ** Math.ceil(Math.log2(count) - 1);
}
