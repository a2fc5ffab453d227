import { secp256k1 } from "@noble/curves/secp256k1";
import { describe, expect, test } from "vitest";
import { agentVersion, call, field, running } from "../support.ts";

const hex = (bytes: number): string => "11".repeat(bytes);

describe("the guest agent refuses", () => {
  test.each([
    ["/GetKey", { algorithm: "rsa" }, "Unsupported algorithm"],
    ["/GetKey", { algorithm: "secp256k1_prehashed" }, "Unsupported algorithm"],
    ["/GetKey", { path: 3 }, "invalid type for path: expected a string, got number"],
    ["/Sign", { algorithm: "", data: "00" }, "Unsupported algorithm"],
    [
      "/Sign",
      { algorithm: "secp256k1_prehashed", data: hex(31) },
      "Pre-hashed signing requires a 32-byte digest, but received 31 bytes",
    ],
    ["/Verify", { algorithm: "rsa" }, "Unsupported algorithm"],
    ["/Verify", { algorithm: "ed25519", public_key: hex(31) }, "invalid public key"],
    ["/Verify", { algorithm: "secp256k1", public_key: hex(33) }, "invalid public key"],
    ["/GetQuote", { report_data: hex(65) }, "Report data is too long"],
    ["/Attest", { report_data: hex(65) }, "Report data is too long"],
    ["/GetQuote", { report_data: "0" }, "invalid value for report_data"],
    ["/GetTlsKey", { not_before: 5, not_after: 5 }, "not_before must be earlier than not_after"],
    ["/GetTlsKey", { not_after: 253_402_300_800 }, "invalid value for not_after"],
    ["/GetTlsKey", { alt_names: ["Grüße.example"] }, "invalid value for alt_names"],
    ["/GetTlsKey", { alt_names: ["a b"] }, "invalid value for alt_names"],
    ["/EmitEvent", { event: "e", payload: "zz" }, "invalid value for payload"],
  ])("%s of %j", async (path, request, message) => {
    const { socket } = await running();
    const reply = await call(socket, path, request);
    expect(reply.status).toBe(400);
    expect(field(reply, "error")).toContain(message);
  });
});

describe("the legacy agent refuses", () => {
  test.each([
    ["/prpc/Tappd.TdxQuote", { hash_algorithm: "md5" }, "invalid hash algorithm"],
    [
      "/prpc/Tappd.TdxQuote",
      { hash_algorithm: "raw", report_data: hex(63) },
      "invalid content length",
    ],
    ["/prpc/Tappd.RawQuote", { report_data: hex(63) }, "invalid content length"],
    ["/prpc/Tappd.DeriveK256Key", { algorithm: "rsa" }, "Unsupported algorithm"],
    ["/prpc/Tappd.Sign", {}, "Service not found: Sign"],
    ["/prpc/Tappd.constructor", {}, "Service not found: constructor"],
  ])("%s of %j", async (path, request, message) => {
    const { tappdSocket } = await running();
    const reply = await call(tappdSocket, path, request);
    expect({ status: reply.status, error: field(reply, "error") }).toEqual({
      status: 400,
      error: message,
    });
  });
});

describe("verification", () => {
  const data = "00ff";

  test("takes both forms of a public key, and no signature with high s", async () => {
    const { socket } = await running();
    const signed = await call(socket, "/Sign", { algorithm: "secp256k1", data });
    const signature = secp256k1.Signature.fromCompact(field(signed, "signature"));
    const high = new secp256k1.Signature(signature.r, secp256k1.CURVE.n - signature.s);
    const point = secp256k1.ProjectivePoint.fromHex(field(signed, "public_key"));
    const verified = async (signatureHex: string, publicKey: string): Promise<unknown> => {
      const request = { algorithm: "k256", data, signature: signatureHex, public_key: publicKey };
      return (await call(socket, "/Verify", request)).body;
    };

    expect(await verified(signature.toCompactHex(), point.toHex(true))).toEqual({ valid: true });
    expect(await verified(signature.toCompactHex(), point.toHex(false))).toEqual({ valid: true });
    expect(await verified(high.toCompactHex(), point.toHex(true))).toEqual({ valid: false });
  });

  test.each(["ed25519", "secp256k1"])(
    "of %s refuses a signature of another size",
    async (algorithm) => {
      const { socket } = await running();
      const signed = await call(socket, "/Sign", { algorithm, data });
      const request = {
        algorithm,
        data,
        public_key: field(signed, "public_key"),
        signature: hex(63),
      };
      const reply = await call(socket, "/Verify", request);
      expect(reply.status).toBe(400);
      expect(field(reply, "error")).toBe("invalid signature: expected 64 bytes, got 63");
    },
  );
});

describe("an agent of", () => {
  test("0.5.5 has no Version, Sign, Verify, Attest or ed25519, and gives full logs", async () => {
    const { socket } = await running({ agentVersion: agentVersion("0.5.5") });
    for (const name of ["Version", "Sign", "Verify", "Attest"]) {
      expect(field(await call(socket, `/${name}`), "error")).toBe(`Service not found: ${name}`);
    }
    const key = await call(socket, "/GetKey", { algorithm: "ed25519" });
    expect(field(key, "error")).toBe("Unsupported algorithm");
    const log = JSON.parse(field(await call(socket, "/GetQuote"), "event_log"));
    expect(log.at(-1).digest).toHaveLength(96);
  });

  test("0.5.6 signs, but does not tell its version", async () => {
    const { socket } = await running({ agentVersion: agentVersion("0.5.6") });
    expect((await call(socket, "/Sign", { algorithm: "k256" })).status).toBe(200);
    expect((await call(socket, "/Version")).status).toBe(400);
    expect((await call(socket, "/Info")).body).not.toHaveProperty("cloud_vendor");
  });

  test("0.5.8 leaves the run-time digests out of a quote's log unless told otherwise", async () => {
    const lastDigest = async (eventLog: "real" | "full"): Promise<string> => {
      const { socket } = await running({ eventLog });
      return JSON.parse(field(await call(socket, "/GetQuote"), "event_log")).at(-1).digest;
    };
    expect(await lastDigest("real")).toBe("");
    expect(await lastDigest("full")).toHaveLength(96);
  });
});
