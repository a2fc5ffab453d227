/**
 * dstack's chain of signatures from the KMS root to the node's key, in the shape that the contract
 * verifies: KMS root → app key → derived key. See the contract's `KeyProof`.
 */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { MemberId } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { EnclaveFault, KeyProof } from "../runtime/attestation.ts";
import { addressOf, compressed, recoverPublicKey } from "./wallet.ts";

export class EnclaveError extends ClusterError<EnclaveFault> {}

/** Path and purpose are bound to the instance: dstack's signature covers the purpose. */
export function walletKeyOf(instanceId: string): { path: string; purpose: string } {
  return { path: `cluster-node/${instanceId}`, purpose: `cluster-node:${instanceId}` };
}

export type ProvenKey = {
  readonly proof: KeyProof;
  /** Address of the KMS root that signed; the contract accepts one root only. */
  readonly kmsRoot: MemberId;
};

/**
 * @param answer what GetKey gave for `purpose`; signatures are r ‖ s ‖ v with v 0 or 1
 * @param appId 20 bytes, hex
 * @throws EnclaveError enclave.malformed when the signatures are not of that shape
 */
export function proveKey(
  answer: { readonly key: Uint8Array; readonly signatureChain: readonly Uint8Array[] },
  purpose: string,
  appId: string,
): ProvenKey {
  const derived = secp256k1.getPublicKey(answer.key, false);
  const [appSignature, kmsSignature] = answer.signatureChain;
  if (appSignature === undefined || kmsSignature === undefined) {
    throw malformed("its signature chain has fewer than two signatures");
  }

  const derivedText = utf8ToBytes(`${purpose}:${bytesToHex(compressed(derived))}`);
  const app = recoverPublicKey(keccak_256(derivedText), appSignature);
  if (app === null) throw malformed("the first signature of its chain recovers to no key");

  const issued = concatBytes(utf8ToBytes("dstack-kms-issued:"), hexToBytes(appId), compressed(app));
  const kms = recoverPublicKey(keccak_256(issued), kmsSignature);
  if (kms === null) throw malformed("the second signature of its chain recovers to no key");

  const hex = (bytes: Uint8Array) => `0x${bytesToHex(bytes)}`;
  return {
    kmsRoot: addressOf(kms),
    proof: {
      derivedPublicKey: hex(derived.subarray(1)),
      appPublicKey: hex(app.subarray(1)),
      appSignature: hex(appSignature),
      kmsSignature: hex(kmsSignature),
    },
  };
}

function malformed(reason: string): EnclaveError {
  return new EnclaveError(
    { code: "enclave.malformed", reason },
    `the guest agent's answer to GetKey is unusable: ${reason}`,
  );
}
