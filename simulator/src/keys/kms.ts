/**
 * A key management service in a few lines: two root keys, and what it issues to an app.
 *
 * Safety assumes nothing: the roots come from a seed that anyone may know. Whoever accepts keys of
 * a development root accepts everyone.
 */
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "./kdf.ts";
import { p256Spki } from "./p256.ts";
import { accountAddress, compressedPublicKey, signRecoverable } from "./secp256k1.ts";

export type Kms = {
  /** The secp256k1 root: what a contract accepts as the origin of app keys. */
  readonly rootKey: Uint8Array;
  /** The P-256 certificate authority: it signs app authorities and names the key provider. */
  readonly authorityKey: Uint8Array;
};

/** What one app gets. It depends on the roots and the app id alone: all its instances share it. */
export type AppKeys = {
  readonly appKey: Uint8Array;
  /** 65 bytes: the root's signature over the app id and the app's public key. */
  readonly kmsSignature: Uint8Array;
  readonly authorityKey: Uint8Array;
};

/** A development service whose roots follow from `seed`, so that keys outlive a restart. */
export function developmentKms(seed: string): Kms {
  const root = utf8ToBytes(seed);
  return {
    rootKey: deriveSecret(root, utf8ToBytes("development-kms-root")),
    authorityKey: deriveSecret(root, utf8ToBytes("development-kms-authority")),
  };
}

/** @param appId 20 bytes */
export function issueAppKeys(kms: Kms, appId: Uint8Array): AppKeys {
  const appKey = deriveSecret(kms.rootKey, appId, utf8ToBytes("app-key"));
  const issued = concatBytes(utf8ToBytes("dstack-kms-issued:"), appId, compressedPublicKey(appKey));
  return {
    appKey,
    kmsSignature: signRecoverable(issued, kms.rootKey),
    authorityKey: deriveSecret(kms.authorityKey, appId, utf8ToBytes("app-ca")),
  };
}

/** The account of the secp256k1 root, as a contract names it. */
export function kmsRootAddress(kms: Kms): string {
  return accountAddress(kms.rootKey);
}

/** JSON text. The id is the certificate authority's public key, not that of the secp256k1 root. */
export function keyProviderInfo(kms: Kms): string {
  return JSON.stringify({ name: "kms", id: bytesToHex(p256Spki(kms.authorityKey)) });
}
