import { bytesToHex } from "@noble/hashes/utils";
import type { Fields } from "../http/fields.ts";
import type { Instance } from "../instance.ts";
import { deriveKey, type KeyAlgorithm, signatureChain } from "../keys/derived.ts";
import { RefusedRequest } from "../refusal.ts";

export type KeyAnswer = { readonly key: string; readonly signature_chain: readonly string[] };

/** GetKey: the secret at `path`, and the signatures of `purpose` that lead to the root. */
export function getKey(instance: Instance, fields: Fields): KeyAnswer {
  const { keys } = instance.app;
  const algorithm = keyAlgorithm(instance, fields.text("algorithm"));
  const { secret, publicKey } = deriveKey(keys, fields.text("path"), algorithm);
  const chain = signatureChain(keys, fields.text("purpose"), publicKey);
  return { key: bytesToHex(secret), signature_chain: chain.map((part) => bytesToHex(part)) };
}

function keyAlgorithm(instance: Instance, name: string): KeyAlgorithm {
  if (name === "" || name === "secp256k1" || name === "k256") return "secp256k1";
  if (name === "ed25519" && instance.app.settings.agentVersion.signs) return "ed25519";
  throw new RefusedRequest("Unsupported algorithm");
}
