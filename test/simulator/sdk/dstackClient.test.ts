import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1";
import { bytesToHex } from "@noble/hashes/utils";
import { DstackClient, getComposeHash, TappdClient } from "@phala/dstack-sdk";
import { concat, type Hex, keccak256, recoverAddress, recoverPublicKey, stringToBytes } from "viem";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { appId, running } from "../support.ts";
import { dstackClient, transports } from "./clients.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

describe.each(transports)("the published client over %s", (transport) => {
  const client = async (): Promise<DstackClient> => (await dstackClient(transport)).client;

  test("reads the version", async () => {
    expect(await (await client()).version()).toMatchObject({ version: "0.5.8" });
  });

  test("is told within its 500 ms that the agent is there", async () => {
    expect(await (await client()).isReachable()).toBe(true);
  });

  test("gets a key and its chain of two signatures", async () => {
    const { key, signature_chain } = await (await client()).getKey("wallet/0", "wallet");

    expect(Buffer.from(key).toString("hex")).toBe(
      "f4227b6e94db6e9e5e15a57486175c4a78185b656624f3806bc44d61bc2ac43e",
    );
    expect(signature_chain.map((signature) => signature.length)).toEqual([65, 65]);
  });

  test("gets an ed25519 key with the same bytes", async () => {
    const agent = await client();
    const { key } = await agent.getKey("wallet/0", "wallet", "ed25519");
    expect(key).toEqual((await agent.getKey("wallet/0")).key);
  });
});

describe.each(transports)("the published client over %s", (transport) => {
  const client = async (): Promise<DstackClient> => (await dstackClient(transport)).client;

  test("gets a quote over its data and a log of the firmware that replays", async () => {
    const agent = await client();
    const answer = await agent.getQuote("hello");
    const info = await agent.info();

    expect(answer.report_data).toBe(Buffer.from("hello").toString("hex").padEnd(128, "0"));
    expect(answer.quote.slice(1136, 1264)).toBe(answer.report_data);
    const { rtmr0, rtmr1, rtmr2 } = info.tcb_info;
    expect(answer.replayRtmrs().slice(0, 3)).toEqual([rtmr0, rtmr1, rtmr2]);
  });

  test("gets an attestation of version 0 of a trust domain", async () => {
    const { attestation } = await (await client()).attest(Buffer.alloc(64, 7));
    expect(attestation.slice(0, 4)).toBe("0000");
  });

  test("gets information that hangs together", async () => {
    const info = await (await client()).info();

    expect(info.app_id).toBe(appId.toString("hex"));
    expect(info.app_name).toBe("dstack-cluster");
    const composeHash = createHash("sha256").update(info.tcb_info.app_compose).digest("hex");
    expect(composeHash).toBe(info.compose_hash);
    expect(info.tcb_info.compose_hash).toBe(info.compose_hash);
    expect(info.tcb_info.mr_aggregated).toBe(info.mr_aggregated);
    expect(JSON.parse(info.vm_config ?? "")).toMatchObject({ os_image_hash: info.os_image_hash });
    expect(JSON.parse(info.key_provider_info)).toMatchObject({ name: "kms" });
    expect(new X509Certificate(info.app_cert).subject).toBe("CN=demo");
  });

  test("emits an event that changes register 3 alone", async () => {
    const agent = await client();
    const before = (await agent.info()).tcb_info;
    await agent.emitEvent("greeting", "hello");
    const after = (await agent.info()).tcb_info;

    expect(after.rtmr3).not.toBe(before.rtmr3);
    expect(after.rtmr2).toBe(before.rtmr2);
    expect(after.event_log.at(-1)).toMatchObject({
      event: "greeting",
      event_payload: "68656c6c6f",
    });
  });
});

describe.each(transports)("the published client over %s", (transport) => {
  const client = async (): Promise<DstackClient> => (await dstackClient(transport)).client;

  test.each(["ed25519", "secp256k1", "secp256k1_prehashed"])(
    "signs and verifies with %s",
    async (algorithm) => {
      const agent = await client();
      const data = Buffer.alloc(32, 1);
      const other = Buffer.alloc(32, 2);
      const { signature, signature_chain, public_key } = await agent.sign(algorithm, data);

      expect(signature_chain).toHaveLength(3);
      expect(signature_chain[0]).toEqual(signature);
      expect((await agent.verify(algorithm, data, signature, public_key)).valid).toBe(true);
      expect((await agent.verify(algorithm, other, signature, public_key)).valid).toBe(false);
    },
  );

  test("gets a TLS key with a chain of three certificates", async () => {
    const answer = await (await client()).getTlsKey({
      subject: "node",
      altNames: ["node.example", "127.0.0.1"],
      usageRaTls: true,
      usageClientAuth: true,
      notBefore: 1_700_000_000,
      notAfter: 1_800_000_000,
      withAppInfo: true,
    });
    const [leaf, authority, root] = answer.certificate_chain.map((pem) => new X509Certificate(pem));

    expect(leaf?.subject).toBe("CN=node");
    expect(leaf?.checkIssued(authority as X509Certificate)).toBe(true);
    expect(authority?.checkIssued(root as X509Certificate)).toBe(true);
    expect(leaf?.validToDate.getTime()).toBe(1_800_000_000_000);
    expect(createPublicKey(answer.key).equals(leaf?.publicKey as never)).toBe(true);
    expect(answer.asUint8Array()).toHaveLength(138);
  });

  test("throws the agent's own words when a quote is refused", async () => {
    const agent = await client();
    await expect(agent.sign("rsa", "x")).rejects.toThrow(TypeError);
    expect(await agent.verify("rsa", "x", "x", "x")).toMatchObject({
      error: "Unsupported algorithm",
    });
  });
});

describe.each(transports)("the published client over %s", (transport) => {
  const client = async (): Promise<DstackClient> => (await dstackClient(transport)).client;

  test("gets a quote by its legacy method, of raw data alone", async () => {
    const agent = await client();
    const data = Buffer.alloc(64, 7);
    expect((await agent.tdxQuote(data, "raw")).quote).toBe((await agent.getQuote(data)).quote);
    await expect(agent.tdxQuote(data, "sha256")).rejects.toThrow("only supports raw");
    await expect(agent.deriveKey("/a")).rejects.toThrow("deprecated");
  });

  test.each([
    ["text", "hello"],
    ["a Buffer", Buffer.from("hello")],
    ["bytes", new TextEncoder().encode("hello")],
  ])("gets the same quote over %s", async (_kind, data) => {
    const { report_data } = await (await client()).getQuote(data);
    expect(report_data).toBe("68656c6c6f".padEnd(128, "0"));
  });

  test("gets a TLS key for nothing but a server, unless it asks for more", async () => {
    const { key, certificate_chain, asUint8Array } = await (await client()).getTlsKey();
    const leaf = new X509Certificate(certificate_chain[0] ?? "");

    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(createPublicKey(key).equals(leaf.publicKey as never)).toBe(true);
    expect(asUint8Array(32)).toHaveLength(32);
  });

  test("gets a key whose two signatures lead to the root that the simulator names", async () => {
    const { client: agent, simulator } = await dstackClient(transport);
    const { key, signature_chain } = await agent.getKey("wallet/0", "wallet");
    const [ofApp = "0x", ofRoot = "0x"] = signature_chain.map(ethereumSignature);

    const derived = bytesToHex(secp256k1.getPublicKey(key, true));
    const statement = keccak256(stringToBytes(`wallet:${derived}`));
    const app = (await recoverPublicKey({ hash: statement, signature: ofApp })).slice(2);
    const compressed = secp256k1.ProjectivePoint.fromHex(app).toRawBytes(true);
    const issued = concat([stringToBytes("dstack-kms-issued:"), appId, compressed]);
    const root = await recoverAddress({ hash: keccak256(issued), signature: ofRoot });
    expect(root).toBe(simulator.identity.kmsRoot);
  });
});

test("the clients have no methods but those that are driven here", () => {
  const methodsOf = (prototype: object): string[] => Object.getOwnPropertyNames(prototype).sort();
  expect(methodsOf(DstackClient.prototype)).toEqual([
    "attest",
    "constructor",
    "deriveKey",
    "emitEvent",
    "ensureAlgorithmSupported",
    "ensureTlsKeyOptionsSupported",
    "getKey",
    "getQuote",
    "getTlsKey",
    "info",
    "isReachable",
    "sign",
    "tdxQuote",
    "verify",
    "version",
  ]);
  expect(methodsOf(TappdClient.prototype)).toEqual([
    "constructor",
    "deriveKey",
    "isReachable",
    "tdxQuote",
  ]);
});

test("the clients find the agents that the environment names", async () => {
  const { socket, tappdSocket } = await running();
  vi.stubEnv("DSTACK_SIMULATOR_ENDPOINT", socket);
  vi.stubEnv("TAPPD_SIMULATOR_ENDPOINT", tappdSocket);
  const reached = await Promise.all([
    new DstackClient().isReachable(),
    new TappdClient().isReachable(),
  ]);
  vi.unstubAllEnvs();
  expect(reached).toEqual([true, true]);
});

test("client and agent agree on the compose hash of a file the client would write", async () => {
  const compose = { runner: "docker-compose", name: "app", manifest_version: 2 };
  const sorted = JSON.stringify({ manifest_version: 2, name: "app", runner: "docker-compose" });
  const { socket } = await running({ appCompose: Buffer.from(sorted) });
  const spaced = await running({ appCompose: Buffer.from(`${sorted}\n`) });

  expect((await new DstackClient(socket).info()).compose_hash).toBe(getComposeHash(compose));
  const { compose_hash } = await new DstackClient(spaced.socket).info();
  expect(compose_hash).not.toBe(getComposeHash(compose));
});

/** The agent's recovery byte is 0 or 1, Ethereum's 27 or 28. */
function ethereumSignature(signature: Uint8Array): Hex {
  const recovery = 27 + (signature[64] ?? 0);
  return `0x${bytesToHex(signature.subarray(0, 64))}${recovery.toString(16)}`;
}
