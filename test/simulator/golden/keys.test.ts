import { x25519 } from "@noble/curves/ed25519";
import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { verifyEnvEncryptPublicKeyLegacy } from "@phala/dstack-sdk";
import { describe, expect } from "vitest";
import { deriveKey } from "../../../simulator/src/keys/derived.ts";
import { deriveSecret } from "../../../simulator/src/keys/kdf.ts";
import { issueAppKeys, type Kms, kmsRootAddress } from "../../../simulator/src/keys/kms.ts";
import { p256Pkcs8, p256Spki } from "../../../simulator/src/keys/p256.ts";
import { compressedPublicKey, signRecoverable } from "../../../simulator/src/keys/secp256k1.ts";
import { getKey } from "../../../simulator/src/methods/keys.ts";
import { sign } from "../../../simulator/src/methods/signing.ts";
import { tappdMethod } from "../../../simulator/src/methods/tappd.ts";
import { agentVersion } from "../support.ts";
import { fields, golden, instanceWith, vectors } from "./vectors.ts";

describe("keys recorded elsewhere", () => {
  golden("are those of GetKey, with their chains", async () => {
    for (const { app_keys, expected_app_public_key, vectors: recorded } of vectors().get_key) {
      const instance = await instanceWith(app_keys);
      const publicKey = bytesToHex(compressedPublicKey(instance.app.keys.appKey));
      expect(publicKey).toBe(expected_app_public_key ?? publicKey);
      for (const { request, response } of recorded) {
        expect(getKey(instance, fields(request))).toEqual(response);
      }
    }
  });

  golden("have the public keys that were recorded", async () => {
    for (const { app_keys, vectors: recorded } of vectors().get_key) {
      const { app } = await instanceWith(app_keys);
      for (const { request, effective_algorithm, public_key } of recorded) {
        const algorithm = effective_algorithm === "ed25519" ? "ed25519" : "secp256k1";
        const { publicKey } = deriveKey(app.keys, fields(request).text("path"), algorithm);
        expect(bytesToHex(publicKey)).toBe(public_key);
      }
    }
  });

  golden("sign as Sign does, and are refused as there", async () => {
    const { get_key, sign: recorded } = vectors();
    const instance = await instanceWith(get_key[0]?.app_keys ?? null);
    for (const { request, response } of recorded.vectors) {
      expect(sign(instance, fields(request))).toEqual(response);
    }
    for (const { request, error, error_contains } of recorded.errors) {
      const message = error ?? error_contains ?? "expected a message";
      expect(() => sign(instance, fields(request))).toThrow(message);
    }
  });

  golden("that apps are known by on the public port are the same", async () => {
    const recorded = vectors().get_attestation_for_app_key;
    const { app } = await instanceWith({ k256_key: recorded.k256_key, k256_signature: "" });
    const derived = (algorithm: "ed25519" | "secp256k1") =>
      deriveKey(app.keys, recorded.derived_key_path, algorithm);
    const text = (prefix: string, key: Uint8Array): string =>
      `dip1::${prefix}-pk:${Buffer.from(key).toString("base64url")}`;

    expect(bytesToHex(derived("ed25519").secret)).toBe(recorded.derived_key);
    expect(text("ed25519", derived("ed25519").publicKey)).toBe(
      recorded.ed25519.report_data_text_utf8,
    );
    expect(text("secp256k1c", derived("secp256k1").publicKey)).toBe(
      recorded.secp256k1.report_data_text_utf8,
    );
  });
});

describe("secrets recorded elsewhere", () => {
  golden("are issued to an app by the same roots", () => {
    const { app } = vectors().kms_derivation;
    const kms = recordedKms();
    const keys = issueAppKeys(kms, hexToBytes(app.app_id));
    expect({
      kms_k256_root_address: kmsRootAddress(kms),
      kms_k256_root_public_key: bytesToHex(compressedPublicKey(kms.rootKey)),
      kms_p256_ca_spki_der: bytesToHex(p256Spki(kms.authorityKey)),
      k256_key: bytesToHex(keys.appKey),
      k256_public_key: bytesToHex(compressedPublicKey(keys.appKey)),
      k256_signature: bytesToHex(keys.kmsSignature),
      app_ca_p256_scalar: bytesToHex(keys.authorityKey),
    }).toEqual(Object.fromEntries(issuedNames.map((name) => [name, app[name]])));
  });

  golden("for disk and environment follow from the same derivation and encoding", () => {
    const { app } = vectors().kms_derivation;
    const [appId, instanceId] = [hexToBytes(app.app_id), app.instance_id];
    const secret = (...contexts: Uint8Array[]): Uint8Array =>
      sha256(p256Pkcs8(deriveSecret(recordedKms().authorityKey, ...contexts)));
    const environment = secret(appId, utf8ToBytes("env-encrypt-key"));
    const disk = secret(appId, hexToBytes(instanceId), utf8ToBytes("app-disk-crypt-key"));

    expect(bytesToHex(environment)).toBe(app.env_encrypt_private_key);
    expect(bytesToHex(x25519.getPublicKey(environment))).toBe(app.env_encrypt_public_key);
    expect(bytesToHex(disk)).toBe(app.disk_crypt_key);
  });

  golden("sign the environment's key as the root does, in the client's eyes too", () => {
    const { app } = vectors().kms_derivation;
    const { rootKey } = recordedKms();
    const { timestamp, signature } = app.env_pubkey_signature_v1;
    const [appId, key] = [hexToBytes(app.app_id), app.env_encrypt_public_key];
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(timestamp));
    const prefix = utf8ToBytes("dstack-env-encrypt-pubkey:");
    const publicKey = hexToBytes(key);
    const legacy = signRecoverable(concatBytes(prefix, appId, publicKey), rootKey);
    const timed = signRecoverable(concatBytes(prefix, appId, time, publicKey), rootKey);

    expect(bytesToHex(legacy)).toBe(app.env_pubkey_signature_legacy);
    expect(bytesToHex(timed)).toBe(signature);
    const signer = verifyEnvEncryptPublicKeyLegacy(publicKey, legacy, bytesToHex(appId));
    expect(withoutPrefix(signer)).toBe(bytesToHex(compressedPublicKey(rootKey)));
  });
});

describe("encodings recorded elsewhere", () => {
  golden("of another's signature are read by the client", () => {
    const { public_key, signature, app_id, expected_signer } =
      vectors().env_encrypt_pubkey_signature;
    const [key, signed] = [hexToBytes(public_key), hexToBytes(signature)];
    expect(withoutPrefix(verifyEnvEncryptPublicKeyLegacy(key, signed, app_id))).toBe(
      expected_signer,
    );
  });

  golden("of P-256 have the same encoding", async () => {
    const { kms_derivation, tappd_derive_key, get_key } = vectors();
    const { root_p256_scalar, contexts_utf8, ...expected } = kms_derivation.p256_dh_secret;
    const derived = deriveSecret(hexToBytes(root_p256_scalar), ...contexts_utf8.map(utf8ToBytes));
    expect(bytesToHex(derived)).toBe(expected.derived_p256_scalar);
    expect(bytesToHex(p256Pkcs8(derived))).toBe(expected.derived_pkcs8_der);
    expect(bytesToHex(sha256(p256Pkcs8(derived)))).toBe(expected.secret_sha256_of_pkcs8);

    const instance = await instanceWith(get_key[0]?.app_keys ?? null);
    const deriveTlsKey = tappdMethod("DeriveKey", agentVersion("0.5.8"));
    const answer = await deriveTlsKey(instance, fields(tappd_derive_key.request));
    const pem = String(Reflect.get(Object(answer), "key"));
    const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ""), "base64");
    expect(der.toString("hex")).toBe(tappd_derive_key.pkcs8_der);
    expect(der.toString("hex", 36, 68)).toBe(tappd_derive_key.p256_private_scalar);
  });
});

const issuedNames = [
  "kms_k256_root_address",
  "kms_k256_root_public_key",
  "kms_p256_ca_spki_der",
  "k256_key",
  "k256_public_key",
  "k256_signature",
  "app_ca_p256_scalar",
] as const;

function recordedKms(): Kms {
  const { app } = vectors().kms_derivation;
  return {
    rootKey: hexToBytes(app.kms_k256_root_private_key),
    authorityKey: hexToBytes(app.kms_p256_ca_scalar),
  };
}

function withoutPrefix(hex: string | null): string | undefined {
  return hex?.replace(/^0x/, "");
}
