// The expected values come from other programs: Python's hmac and hashlib, and for the root and its
// signature Python's cryptography, which built the same certificate from the same key.
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { bytesToHex } from "@noble/hashes/utils";
import { describe, expect, test } from "vitest";
import { createPki, type Pki } from "../../../simulator/src/pki/pki.ts";

const defaultSeed = "dstack-cluster";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function chainOf(pki: Pki): readonly [X509Certificate, X509Certificate, X509Certificate] {
  const [pck = "", authority = "", root = ""] = pki.pckChain.split(/(?<=-----END .*-----\n)/);
  return [new X509Certificate(pck), new X509Certificate(authority), new X509Certificate(root)];
}

describe("the root", () => {
  test.each([
    [defaultSeed, "0adeada24d03e7500f5f443b7171b0f7af6ef2895526fb792bc9da7382283078"],
    ["an ordinary seed", "7e6ce9af0463b31108d0dd2b2e12d9ed40250ff9a7135de8c03a2841a27d2fee"],
  ])("of %j is this certificate, byte for byte", async (seed, digest) => {
    expect(sha256((await createPki(seed, "default")).root.der)).toBe(digest);
  });

  test("is the same whichever device is below it", async () => {
    const [one, two] = [await createPki(defaultSeed, "one"), await createPki(defaultSeed, "two")];
    expect(one.root).toEqual(two.root);
  });

  test("and all below it are the same in another process", async () => {
    const module = join(import.meta.dirname, "../../../simulator/src/pki/pki.ts");
    const program = [
      `const { createPki } = await import(${JSON.stringify(module)});`,
      `process.stdout.write((await createPki(${JSON.stringify(defaultSeed)}, "default")).pckChain);`,
    ].join("\n");
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe((await createPki(defaultSeed, "default")).pckChain);
  });
});

describe("the chain", () => {
  test("leads from the device by the platform authority to the root", async () => {
    const [pck, authority, root] = chainOf(await createPki(defaultSeed, "default"));

    expect(pck.checkIssued(authority) && pck.verify(authority.publicKey)).toBe(true);
    expect(authority.checkIssued(root) && authority.verify(root.publicKey)).toBe(true);
    expect(root.checkIssued(root) && root.verify(root.publicKey)).toBe(true);
    expect([pck.ca, authority.ca, root.ca]).toEqual([false, true, true]);
  });

  test("has a serial number for each certificate", async () => {
    const [pck, authority, root] = chainOf(await createPki(defaultSeed, "default"));
    expect([pck, authority, root].map(({ serialNumber }) => serialNumber.toLowerCase())).toEqual([
      "44c056a0c081aeb47dff3277eaee5432",
      "7ba4e5fe0b8007ed3e11d2e6809bc0fd",
      "4ecfb02761a7f4167248ee226c93d2dc",
    ]);
  });

  test("has names that no certificate of Intel's has", async () => {
    const names = chainOf(await createPki(defaultSeed, "default")).map(({ subject }) => subject);
    expect(names.join()).not.toMatch(/intel/i);
    for (const name of names) expect(name).toContain("(proves nothing)");
  });
});

describe("a device", () => {
  test("has the id that is the hash of its PPID", async () => {
    const { device } = await createPki(defaultSeed, "default");
    expect(bytesToHex(device.ppid)).toBe("663165d551a1c79818d443af8328c707");
    expect(bytesToHex(device.deviceId)).toBe(
      "6afb39692270f4f0855251efb5a311521e84de7c8548df3e9b0357e4d224310f",
    );
  });

  test("differs from another in key, serial number and ids, and not in model", async () => {
    const [one, two] = [await createPki(defaultSeed, "one"), await createPki(defaultSeed, "two")];
    const [[first], [second]] = [chainOf(one), chainOf(two)];

    expect(first.publicKey.equals(second.publicKey)).toBe(false);
    expect(first.serialNumber).not.toBe(second.serialNumber);
    expect(one.device.ppid).not.toEqual(two.device.ppid);
    expect(one.device.platformInstanceId).not.toEqual(two.device.platformInstanceId);
  });

  test("is described in its certificate as real ones are", async () => {
    const pki = await createPki(defaultSeed, "default");
    const [pck] = chainOf(pki);
    // SEQUENCE { OID 1.2.840.113741.1.13.1, OCTET STRING { SEQUENCE { { OID ….1, PPID }, …
    const hex = pck.raw.toString("hex");
    const [oid, ppid, fmspc, pceSvn, platform] = [
      "06092a864886f84d010d01",
      `060a2a864886f84d010d01010410${bytesToHex(pki.device.ppid)}`,
      "060a2a864886f84d010d0104040600de57ac0000",
      "060b2a864886f84d010d01021102010d",
      `060a2a864886f84d010d01060410${bytesToHex(pki.device.platformInstanceId)}`,
    ];
    for (const part of [oid, ppid, fmspc, pceSvn, platform]) expect(hex).toContain(part);
  });
});
