import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { DstackClient, getComposeHash, TappdClient } from "@phala/dstack-sdk";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { appId, freePort, type Running, running } from "./support.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

type Transport = "unix" | "tcp";
const transports: readonly Transport[] = ["unix", "tcp"];

async function dstackClient(transport: Transport): Promise<DstackClient> {
  const { url, socket } = await endpoints();
  return new DstackClient(transport === "tcp" ? url : socket);
}

async function tappdClient(transport: Transport): Promise<TappdClient> {
  const { url, tappdSocket } = await endpoints();
  return new TappdClient(transport === "tcp" ? url : tappdSocket);
}

async function endpoints(): Promise<Running & { readonly url: string }> {
  const port = await freePort();
  const simulator = await running({ tcp: { host: "127.0.0.1", port } });
  return { ...simulator, url: `http://127.0.0.1:${port}` };
}

describe.each(transports)("the published client over %s", (transport) => {
  const client = (): Promise<DstackClient> => dstackClient(transport);

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
  const client = (): Promise<DstackClient> => dstackClient(transport);

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
  const client = (): Promise<DstackClient> => dstackClient(transport);

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

describe.each(transports)("the legacy client over %s", (transport) => {
  const client = (): Promise<TappdClient> => tappdClient(transport);

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

test("client and agent agree on the compose hash of a file the client would write", async () => {
  const compose = { runner: "docker-compose", name: "app", manifest_version: 2 };
  const sorted = JSON.stringify({ manifest_version: 2, name: "app", runner: "docker-compose" });
  const { socket } = await running({ appCompose: Buffer.from(sorted) });
  const spaced = await running({ appCompose: Buffer.from(`${sorted}\n`) });

  expect((await new DstackClient(socket).info()).compose_hash).toBe(getComposeHash(compose));
  const { compose_hash } = await new DstackClient(spaced.socket).info();
  expect(compose_hash).not.toBe(getComposeHash(compose));
});
