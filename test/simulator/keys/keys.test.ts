// The expected values come from other programs: Python's hmac and hashlib, cast and OpenSSL.
import { createPrivateKey } from "node:crypto";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deriveKey, signatureChain } from "../../../simulator/src/keys/derived.ts";
import { deriveSecret } from "../../../simulator/src/keys/kdf.ts";
import {
  developmentKms,
  issueAppKeys,
  keyProviderInfo,
  kmsRootAddress,
} from "../../../simulator/src/keys/kms.ts";
import { p256Pem, p256Pkcs8 } from "../../../simulator/src/keys/p256.ts";
import { compressedPublicKey } from "../../../simulator/src/keys/secp256k1.ts";
import { appId, seed } from "../support.ts";

const kms = developmentKms(seed);
const keys = issueAppKeys(kms, appId);

describe("the development root", () => {
  test("follows from the seed", () => {
    expect(bytesToHex(kms.rootKey)).toBe(
      "6b920f00dc91a6f4ca4dc6abfd749da8c8f92867b761487891ca0277934451ea",
    );
    expect(kmsRootAddress(kms)).toBe("0xaDb529B4E72Fe7f6DA297313Ed1c4F916e490551");
    expect(kmsRootAddress(developmentKms("another seed"))).not.toBe(kmsRootAddress(kms));
  });

  test("names its certificate authority as the key provider", () => {
    const spki =
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
      "d71a4e0fd6dbd20dc7d042cf14d112740390761b645f125aca7de039306cab89" +
      "d58b5540293a59ae4bbb844e13c0d1d2fbb3f269f1623c44ad55304b8a7a986f";
    expect(keyProviderInfo(kms)).toBe(`{"name":"kms","id":"${spki}"}`);
  });

  test("issues an app its key and signs it", () => {
    expect(bytesToHex(keys.appKey)).toBe(
      "1061b2d6465b1673003402748468e3dc8577c60b5a87301ee7c1cf416ca0fc22",
    );
    expect(bytesToHex(keys.authorityKey)).toBe(
      "4dfc0375e8f3c6e26b2c76dde98d3451f1e2a2ab07decd12c09bb41203ffc5a5",
    );
    expect(bytesToHex(keys.kmsSignature)).toBe(
      "2cf9dadaa05691f44c5465e58001ad955e40d1419da87f6d048f9872c6360544" +
        "34df91bf64b76fd7885765270c5f2fe9920db994a70ed0a56a773ecb2dd6f2ce00",
    );
  });

  test("issues other keys to another app", () => {
    expect(issueAppKeys(kms, new Uint8Array(20)).appKey).not.toEqual(keys.appKey);
  });
});

describe("a derived key", () => {
  const wallet = deriveKey(keys, "wallet/0", "secp256k1");

  test("follows from app key and path", () => {
    expect(bytesToHex(wallet.secret)).toBe(
      "f4227b6e94db6e9e5e15a57486175c4a78185b656624f3806bc44d61bc2ac43e",
    );
    expect(bytesToHex(wallet.publicKey)).toBe(
      "020135daefb7a7858e7247524d75eb3a69554df9a0f0c9bbe1226f767f28a1cc97",
    );
  });

  test("of ed25519 has the same secret and a public key of its own", () => {
    const ed25519 = deriveKey(keys, "wallet/0", "ed25519");
    expect(ed25519.secret).toEqual(wallet.secret);
    expect(bytesToHex(ed25519.publicKey)).toBe(
      "dcb919f688dd76fc76302cb67c5faa908ef9349e2bc8fefbf483c494d310d97f",
    );
  });

  test("is signed for its purpose by the app key, which the root signed", () => {
    const [appSignature, kmsSignature] = signatureChain(keys, "wallet", wallet.publicKey);
    expect(bytesToHex(appSignature)).toBe(
      "ba89dc37d245a76af0af0b7cb2df499009739b9b4e2eca58b521c17272d163b6" +
        "234e3192a82a0f9aed2d64c4f9f9050de7b99c5218a10ac6bda8e3edc30b762f00",
    );
    expect(kmsSignature).toEqual(keys.kmsSignature);
  });

  test("differs for every spelling of a path", () => {
    const paths = ["", "/", "a/b", "a//b", "/a/b", "A/b", "a/b/"];
    const secrets = paths.map((path) => bytesToHex(deriveKey(keys, path, "secp256k1").secret));
    expect(new Set(secrets).size).toBe(paths.length);
  });
});

test("contexts are joined without separators", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (left, right) => {
      const joined = deriveSecret(keys.appKey, utf8ToBytes(left + right));
      expect(deriveSecret(keys.appKey, utf8ToBytes(left), utf8ToBytes(right))).toEqual(joined);
    }),
    { numRuns: 20 },
  );
});

test("a P-256 key is 138 bytes of PKCS#8 that other programs read", () => {
  const der = p256Pkcs8(keys.authorityKey);
  expect(der).toHaveLength(138);
  const key = createPrivateKey(p256Pem(keys.authorityKey));
  expect(key.export({ type: "pkcs8", format: "der" })).toEqual(Buffer.from(der));
  expect(key.export({ type: "pkcs8", format: "pem" })).toBe(p256Pem(keys.authorityKey));
});

test("a compressed public key has 33 bytes", () => {
  expect(bytesToHex(compressedPublicKey(keys.appKey))).toBe(
    "0328a1371c4c75d42a14244a9c6ad6f9b224eb7bc1840ec0c49fdb318ab95619fe",
  );
});
