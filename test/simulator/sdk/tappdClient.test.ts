import { createHash, X509Certificate } from "node:crypto";
import type { TappdClient } from "@phala/dstack-sdk";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { tappdClient, transports } from "./clients.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

describe.each(transports)("the legacy client over %s", (transport) => {
  const client = async (): Promise<TappdClient> => (await tappdClient(transport)).client;

  test("is told that the agent is there", async () => {
    expect(await (await client()).isReachable()).toBe(true);
  });

  test("derives the same key for one path and certifies it", async () => {
    const agent = await client();
    const [first, second] = [await agent.deriveKey("/a", "s"), await agent.deriveKey("/a", "s")];

    expect(first.key).toBe(second.key);
    expect(first.key).not.toBe((await agent.deriveKey("/b", "s")).key);
    expect(new X509Certificate(first.certificate_chain[0] ?? "").subject).toBe("CN=s");
  });

  test("gets a quote over a hash of prefix and data", async () => {
    const { quote } = await (await client()).tdxQuote("hello", "sha256");
    const digest = createHash("sha256").update("app-data:hello").digest("hex");
    expect(quote.slice(1136, 1264)).toBe(digest.padEnd(128, "0"));
  });

  test("gets a raw quote over 64 bytes, which it pads on the left itself", async () => {
    const { quote } = await (await client()).tdxQuote("hello", "raw");
    expect(quote.slice(1136, 1264)).toBe(Buffer.from("hello").toString("hex").padStart(128, "0"));
  });

  test("throws the agent's own words when a quote is refused", async () => {
    const unknown = "md5" as "sha256";
    await expect((await client()).tdxQuote("x", unknown)).rejects.toThrow("invalid hash algorithm");
  });
});

describe.each(transports)("the legacy client over %s", (transport) => {
  const client = async (): Promise<TappdClient> => (await tappdClient(transport)).client;

  test.each(["sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"] as const)(
    "gets a quote over the %s of its data",
    async (algorithm) => {
      const { quote } = await (await client()).tdxQuote("hello", algorithm);
      const digest = createHash(algorithm).update("app-data:hello").digest("hex");
      expect(quote.slice(1136, 1264)).toBe(digest.padEnd(128, "0"));
    },
  );

  test.each([
    ["keccak256", "8ed51239a438104e85ca8d86fa87fbc67c21d00b124c0ff7eceee34309f5f362"],
    [
      "keccak384",
      "8c5fbcff05a0470bdfd593a9db68a1b165694bf1a07c7555e8d46750d802e4c5" +
        "24caf153b8874f4d1def46abc50859da",
    ],
    [
      "keccak512",
      "2b7e3f26c05a7787eea41af69ebb04b8d7fa57748974530ee1a430c1b547bee3" +
        "ec73472770c45b11e7420930d7daa295eb77cb5bf96b328a7513d62a99c5070e",
    ],
    // From a Keccak in Python, checked there against the SHA-3 of hashlib.
  ] as const)("gets a quote over the %s of its data", async (algorithm, digest) => {
    const { quote } = await (await client()).tdxQuote("hello", algorithm);
    expect(quote.slice(1136, 1264)).toBe(digest.padEnd(128, "0"));
  });

  test("replays every register from a log in the form `full`", async () => {
    const { client: agent } = await tappdClient(transport, { eventLog: "full" });
    const { quote, replayRtmrs } = await agent.tdxQuote("hello");
    const quoted = [376, 424, 472, 520].map((at) => quote.slice(2 * at, 2 * at + 96));
    expect(replayRtmrs()).toEqual(quoted);
  });
});
