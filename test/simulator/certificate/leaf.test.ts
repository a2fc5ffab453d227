import { createHash, X509Certificate as NodeCertificate } from "node:crypto";
import { connect, createServer } from "node:tls";
import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import { describe, expect, test } from "vitest";
import { encodeByteArrays } from "../../../simulator/src/certificate/messagePack.ts";
import { replayRegister, runtimeEvent } from "../../../simulator/src/measurement/register.ts";
import { attested, statusOf } from "../pccs/support.ts";
import { decodeAttestation } from "../quote/scale.ts";
import { appId, call, type Running, running } from "../support.ts";

type TlsKey = {
  readonly key: string;
  readonly certificate_chain: readonly [string, string, string];
};

async function tlsKey(simulator: Running, request: object): Promise<TlsKey> {
  const { status, text, body } = await call(simulator.socket, "/GetTlsKey", request);
  if (status !== 200) throw new Error(text);
  return body as TlsKey;
}

async function leafFor(request: object): Promise<X509Certificate> {
  return new X509Certificate((await tlsKey(await running(), request)).certificate_chain[0]);
}

/** The content of dstack's extension `number`: the OCTET STRING inside the extension's own. */
function extension(certificate: X509Certificate, number: number): Buffer | null {
  const found = certificate.getExtension(`1.3.6.1.4.1.62397.1.${number}`);
  if (found === null) return null;
  const der = Buffer.from(found.value);
  const lengthByte = der[1] ?? 0;
  const header = lengthByte < 128 ? 2 : 2 + (lengthByte & 0x7f);
  expect(der[0]).toBe(4);
  return der.subarray(header);
}

/** A MessagePack array of byte strings, read as its specification says. */
function byteStrings(content: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  let offset = 1;
  while (offset < content.length) {
    const isLong = content.readUInt8(offset) === 0xc5;
    const start = offset + (isLong ? 3 : 2);
    const length = isLong ? content.readUInt16BE(offset + 1) : content.readUInt8(offset + 1);
    fields.push(content.subarray(start, start + length));
    offset = start + length;
  }
  return fields;
}

describe("a leaf", () => {
  test("asked for nothing has an empty name, no purpose, and ten years", async () => {
    const leaf = await leafFor({});
    expect(leaf.subject).toBe("CN=");
    expect(leaf.notBefore).toEqual(new Date("1975-01-01T00:00:00Z"));
    const daysLeft = (leaf.notAfter.getTime() - Date.now()) / 86_400_000;
    expect(Math.round(daysLeft)).toBe(3650);
    expect(leaf.extensions.map(({ type }) => type)).toEqual([
      "2.5.29.15",
      "1.3.6.1.4.1.62397.1.3",
      "1.3.6.1.4.1.62397.1.4",
    ]);
  });

  test("names app and usage", async () => {
    const leaf = await leafFor({});
    expect(extension(leaf, 3)).toEqual(appId);
    expect(extension(leaf, 4)?.toString()).toBe("app:custom");
  });

  test("takes its subject as it is written", async () => {
    const leaf = await leafFor({ subject: "#30 , O=Grüße" });
    expect(leaf.subjectName.getField("CN")).toEqual(["#30 , O=Grüße"]);
  });

  test("has host names and addresses apart, and its purposes", async () => {
    const { certificate_chain } = await tlsKey(await running(), {
      alt_names: ["a.example", "10.0.0.1", "::1"],
      usage_server_auth: true,
      usage_client_auth: true,
    });
    const leaf = new NodeCertificate(certificate_chain[0]);
    expect(leaf.subjectAltName).toBe(
      "DNS:a.example, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(leaf.ca).toBe(false);
  });

  test("has the order of a real one when it carries all", async () => {
    const leaf = await leafFor({ usage_ra_tls: true, with_app_info: true });
    const own = leaf.extensions.map(({ type }) => type.replace("1.3.6.1.4.1.62397.1", ""));
    expect(own.filter((type) => type.startsWith("."))).toEqual([".3", ".9", ".4", ".8"]);
  });
});

describe("a leaf of dstack", () => {
  test("attested binds its key by the report data of a quote", async () => {
    const leaf = await leafFor({ usage_ra_tls: true });
    const attestation = decodeAttestation(extension(leaf, 8) ?? new Uint8Array());
    const spki = Buffer.from(leaf.publicKey.rawData);
    const expected = createHash("sha512").update("ratls-cert:").update(spki).digest();

    expect(Buffer.from(attestation.reportData)).toEqual(expected);
    expect(Buffer.from(attestation.quote.subarray(568, 632))).toEqual(expected);
    expect(attestation.events.every(({ imr, digest }) => imr === 3 && digest.length === 0)).toBe(
      true,
    );
  });

  test("attested has a quote that verifies, and a log that explains its register 3", async () => {
    const simulator = await attested();
    const { certificate_chain } = await tlsKey(simulator, { usage_ra_tls: true });
    const leaf = new X509Certificate(certificate_chain[0]);
    const { quote, events } = decodeAttestation(extension(leaf, 8) ?? new Uint8Array());
    const measured = events.map(({ name, payload }) => runtimeEvent(name, payload));

    expect(await statusOf(simulator, Buffer.from(quote))).toBe("UpToDate");
    expect(Buffer.from(replayRegister(measured, 3))).toEqual(Buffer.from(quote.subarray(520, 568)));
  });

  test("with app info lists what Info tells, and the system's measurement", async () => {
    const simulator = await running();
    const { certificate_chain } = await tlsKey(simulator, { with_app_info: true });
    const info = new Map(Object.entries((await call(simulator.socket, "/Info")).body as object));
    const content = extension(new X509Certificate(certificate_chain[0]), 9) ?? Buffer.alloc(0);
    const fields = byteStrings(content);
    const told = ["app_id", "compose_hash", "instance_id", "device_id"].map((n) => info.get(n));

    expect(fields.slice(0, 4).map((field) => field.toString("hex"))).toEqual(told);
    expect(fields[4]).toHaveLength(32);
    expect(fields[5]?.toString("hex")).toBe(info.get("mr_aggregated"));
    expect(fields[6]?.toString("hex")).toBe(info.get("os_image_hash"));
    expect(fields[7]?.toString()).toBe(info.get("key_provider_info"));
    expect(fields).toHaveLength(8);
  });

  test("has a new key each time", async () => {
    const simulator = await running();
    expect((await tlsKey(simulator, {})).key).not.toBe((await tlsKey(simulator, {})).key);
  });

  test("and its chain are accepted by TLS under the root alone", async () => {
    const { key, certificate_chain } = await tlsKey(await running(), {
      alt_names: ["localhost"],
      usage_server_auth: true,
    });
    const [leaf, authority, root] = certificate_chain;
    const server = createServer({ key, cert: leaf + authority }, (socket) => socket.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("expected a port");
    const { port } = address;
    const greeting = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: root });
      socket.on("error", reject);
      socket.on("data", (chunk) => resolve(chunk.toString()));
    });
    await new Promise((resolve) => server.close(resolve));
    expect(greeting).toBe("hello");
  });
});

test("both authorities keep their keys from one start to the next", async () => {
  const keysOf = async (): Promise<string[]> => {
    const { certificate_chain } = await tlsKey(await running(), {});
    const [, ...authorities] = certificate_chain.map((pem) => new X509Certificate(pem));
    return authorities.map(({ publicKey }) => publicKey.toString("hex"));
  };
  expect(await keysOf()).toEqual(await keysOf());
});

test("an array of byte strings is written as MessagePack", () => {
  expect(encodeByteArrays([])).toEqual(Uint8Array.of(0x90));
  expect(encodeByteArrays([Uint8Array.of(7)])).toEqual(Uint8Array.of(0x91, 0xc4, 1, 7));
  const long = encodeByteArrays([new Uint8Array(256)]);
  expect(long.subarray(0, 4)).toEqual(Uint8Array.of(0x91, 0xc5, 1, 0));
  expect(() => encodeByteArrays(Array(16).fill(new Uint8Array()))).toThrow("at most 15");
});
