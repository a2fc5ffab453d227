import { X509Certificate } from "node:crypto";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createBootIdentity, keyOfCertificate } from "../../../node/src/transport/identity.ts";
import { ecdsaIdentity } from "./stranger.ts";

test("the certificate carries the boot key and is signed with it", async () => {
  const { bootKey, certificate, privateKey } = await createBootIdentity();
  const parsed = new X509Certificate(certificate);

  expect(bootKey).toMatch(/^[0-9a-f]{64}$/);
  expect(keyOfCertificate(parsed)).toBe(bootKey);
  expect(parsed.checkPrivateKey(privateKey)).toBe(true);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the raw key (RFC 8410 §4).
  const subjectKey = parsed.publicKey.export({ type: "spki", format: "der" });
  expect(subjectKey.subarray(-32).toString("hex")).toBe(bootKey);
});

test("every boot draws another key", async () => {
  const [one, other] = [await createBootIdentity(), await createBootIdentity()];
  expect(one.bootKey).not.toBe(other.bootKey);
});

test("a key that is not Ed25519, or none, is nobody's", () => {
  expect(keyOfCertificate(undefined)).toBeNull();
  expect(keyOfCertificate(new X509Certificate(ecdsaIdentity().certificate))).toBeNull();
});

test("an identity that is printed does not show its private key", async () => {
  const identity = await createBootIdentity();
  const { d } = identity.privateKey.export({ format: "jwk" });
  const secret = Buffer.from(d ?? "", "base64url");
  const printed = `${inspect(identity, { depth: 9 })} ${JSON.stringify(identity)}`;
  expect(secret).toHaveLength(32);
  expect(printed).not.toContain(d);
  expect(printed).not.toContain(secret.toString("hex"));
});
