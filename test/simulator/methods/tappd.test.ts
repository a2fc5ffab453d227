import { createHash, createPrivateKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { call, field, running } from "../support.ts";

const quotedData = (quote: string): string => quote.slice(1136, 1264);

describe("TdxQuote", () => {
  test.each(["sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"])(
    "hashes prefix and data with %s",
    async (algorithm) => {
      const { tappdSocket } = await running();
      const request = { report_data: "abcd", hash_algorithm: algorithm, prefix: "own" };
      const reply = await call(tappdSocket, "/prpc/Tappd.TdxQuote", request);
      const digest = createHash(algorithm).update("own:").update(Buffer.from("abcd", "hex"));

      expect(quotedData(field(reply, "quote"))).toBe(digest.digest("hex").padEnd(128, "0"));
      expect(reply.body).toMatchObject({ hash_algorithm: algorithm, prefix: "app-data" });
    },
  );

  // The digest of the prefix alone, from cast.
  test("hashes with keccak256", async () => {
    const { tappdSocket } = await running();
    const request = { hash_algorithm: "keccak256" };
    const reply = await call(tappdSocket, "/prpc/TdxQuote", request);
    expect(quotedData(field(reply, "quote"))).toBe(
      "5c5979108d187daa3e164e16da99f1c627d7e547e80b234555cee7f4d0f97263".padEnd(128, "0"),
    );
  });

  test("takes sha512 where no hash is named, and data of any length", async () => {
    const { tappdSocket } = await running();
    const data = Buffer.alloc(1000, 1);
    const request = { report_data: data.toString("hex") };
    const reply = await call(tappdSocket, "/prpc/Tappd.TdxQuote", request);
    const digest = createHash("sha512").update("app-data:").update(data).digest("hex");
    expect(quotedData(field(reply, "quote"))).toBe(digest);
    expect(field(reply, "hash_algorithm")).toBe("sha512");
  });
});

test("a raw quote is over 64 bytes as they are", async () => {
  const { tappdSocket } = await running();
  const request = { report_data: "ab".repeat(64) };
  for (const [path, extra] of [
    ["/prpc/Tappd.RawQuote", {}],
    ["/prpc/Tappd.TdxQuote", { hash_algorithm: "raw" }],
  ] as const) {
    const reply = await call(tappdSocket, path, { ...request, ...extra });
    expect(quotedData(field(reply, "quote"))).toBe("ab".repeat(64));
    expect(reply.body).toMatchObject({ hash_algorithm: "raw", prefix: "" });
  }
});

test("a service name may be repeated or left out", async () => {
  const { tappdSocket } = await running();
  const names = ["Version", "Tappd.Version", "Tappd.Tappd.Version"];
  const replies = await Promise.all(names.map((name) => call(tappdSocket, `/prpc/${name}`)));
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
});

test("keys of secp256k1 and P-256 at one path have the bytes of the guest's key", async () => {
  const { socket, tappdSocket } = await running();
  const request = { path: "wallet/0", purpose: "wallet" };
  const key = await call(socket, "/GetKey", request);
  const k256 = await call(tappdSocket, "/prpc/Tappd.DeriveK256Key", request);
  const derived = await call(tappdSocket, "/prpc/Tappd.DeriveKey", request);

  const { key: secret, signature_chain: chain } = key.body as Record<string, unknown>;
  expect(k256.body).toEqual({ k256_key: secret, k256_signature_chain: chain });
  const { d = "" } = createPrivateKey(field(derived, "key")).export({ format: "jwk" });
  expect(Buffer.from(d, "base64url").toString("hex")).toBe(secret);
});

test("a random seed gives another key each time", async () => {
  const { tappdSocket } = await running();
  const request = { path: "/", random_seed: true };
  const derive = async (): Promise<string> =>
    field(await call(tappdSocket, "/prpc/Tappd.DeriveKey", request), "key");
  expect(await derive()).not.toBe(await derive());
});

test("the legacy information is the guest's", async () => {
  const { socket, tappdSocket } = await running();
  const legacy = await call(tappdSocket, "/prpc/Tappd.Info");
  expect(legacy.body).toEqual((await call(socket, "/Info")).body);
});
