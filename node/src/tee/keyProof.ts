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
import { type Check, check } from "./check.ts";
import { addressOf, compressed, recoverPublicKey } from "./wallet.ts";

export class EnclaveError extends ClusterError<EnclaveFault> {}

/**
 * That dstack gave the wallet to this app and this instance: KMS root → app key → derived key.
 *
 * @param proof whatever its owner presents; 0x-hex of the right lengths
 * @param expected.instanceId 20 bytes, hex; `appId` likewise
 */
export function keyChecks(
  proof: KeyProof,
  expected: {
    readonly wallet: MemberId;
    readonly instanceId: string;
    readonly appId: string;
    readonly kmsRoot: MemberId;
  },
): readonly Check[] {
  const { wallet, instanceId, appId, kmsRoot } = expected;
  const { purpose } = walletKeyOf(instanceId);
  const [derived, app] = [proof.derivedPublicKey, proof.appPublicKey].map(readPublicKey);
  const byApp = signerOf(derived, (key) => derivedMessage(purpose, key), proof.appSignature);
  const byKms = signerOf(app, (key) => issuedMessage(appId, key), proof.kmsSignature);
  return [
    check("derived key", wallet, derived == null ? "no key" : addressOf(derived)),
    check("app key", app == null ? "a key" : addressOf(app), byApp),
    check("KMS root", kmsRoot, byKms),
  ];
}

/** The key itself, 65 bytes; null when it is no point of the curve. */
function readPublicKey(text: string): Uint8Array | null {
  try {
    return secp256k1.Point.fromHex(`04${text.slice(2)}`).toBytes(false);
  } catch {
    return null;
  }
}

function signerOf(
  key: Uint8Array | null | undefined,
  messageOf: (key: Uint8Array) => Uint8Array,
  signature: string,
): string {
  if (key == null) return "nobody";
  const signer = recoverPublicKey(messageOf(key), hexToBytes(signature.slice(2)));
  return signer === null ? "nobody" : addressOf(signer);
}

/** What the app's key signs of a key derived from it. */
function derivedMessage(purpose: string, derived: Uint8Array): Uint8Array {
  return keccak_256(utf8ToBytes(`${purpose}:${bytesToHex(compressed(derived))}`));
}

/** What the KMS's root signs of an app's key. */
function issuedMessage(appId: string, app: Uint8Array): Uint8Array {
  const prefix = utf8ToBytes("dstack-kms-issued:");
  return keccak_256(concatBytes(prefix, hexToBytes(appId), compressed(app)));
}

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

  const app = recoverPublicKey(derivedMessage(purpose, derived), appSignature);
  if (app === null) throw malformed("the first signature of its chain recovers to no key");

  const kms = recoverPublicKey(issuedMessage(appId, app), kmsSignature);
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
