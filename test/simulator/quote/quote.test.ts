import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createApp } from "../../../simulator/src/app.ts";
import { evidenceOver } from "../../../simulator/src/evidence.ts";
import {
  createInstance,
  type Instance,
  instanceIdOf,
  tdReport,
} from "../../../simulator/src/instance.ts";
import { aggregatedMeasurement } from "../../../simulator/src/measurement/aggregate.ts";
import { runtimeEvent } from "../../../simulator/src/measurement/register.ts";
import { settings } from "../support.ts";

const reportData = Uint8Array.from({ length: 64 }, (_, i) => i);

async function instance(name = "node1"): Promise<Instance> {
  return createInstance(await createApp(settings()), name);
}

async function quoted(): Promise<Buffer> {
  return Buffer.from(evidenceOver(await instance(), reportData).quote);
}

function isSigned(message: Buffer, signature: Buffer, point: Buffer): boolean {
  const key = createPublicKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(0, 32).toString("base64url"),
      y: point.subarray(32).toString("base64url"),
    },
  });
  return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

/** Replays the log from its text alone, as a verifier would. */
function replayed(log: readonly { imr: number; digest: Uint8Array }[], imr: number): string {
  let register = Buffer.alloc(48);
  for (const { digest } of log.filter((entry) => entry.imr === imr)) {
    register = createHash("sha384").update(register).update(digest).digest();
  }
  return register.toString("hex");
}

describe("a quote", () => {
  test("opens with the header of a version 4 TDX quote", async () => {
    const bytes = await quoted();
    expect(bytes.readUInt16LE(0)).toBe(4);
    expect(bytes.readUInt16LE(2)).toBe(2);
    expect(bytes.readUInt32LE(4)).toBe(0x81);
    expect(bytes.subarray(12, 28).toString("hex")).toBe("939a7233f79c4ca9940a0db3957f0607");
    expect(bytes.subarray(28, 48).toString("latin1")).toBe("dstack-simulator\0\0\0\0");
  });

  test("is not of a debuggable domain", async () => {
    expect((await quoted()).subarray(168, 176).toString("hex")).toBe("0000001000000000");
  });

  test("holds the registers to which the event log replays", async () => {
    const node = await instance();
    node.events.push(runtimeEvent("greeting", reportData));
    const bytes = Buffer.from(evidenceOver(node, reportData).quote);
    const registers = [376, 424, 472, 520].map((at) => bytes.subarray(at, at + 48).toString("hex"));
    expect(registers).toEqual([0, 1, 2, 3].map((imr) => replayed(node.events, imr)));
  });

  test("holds the report data and the compose hash", async () => {
    const bytes = await quoted();
    const { composeHash } = (await instance()).app;
    expect(bytes.subarray(568, 632)).toEqual(Buffer.from(reportData));
    expect(bytes.subarray(232, 280).toString("hex")).toBe(
      `01${Buffer.from(composeHash).toString("hex")}${"00".repeat(15)}`,
    );
  });

  test("is signed over its first 632 bytes by the key it names", async () => {
    const bytes = await quoted();
    const [signature, point] = [bytes.subarray(636, 700), bytes.subarray(700, 764)];
    expect(isSigned(bytes.subarray(0, 632), signature, point)).toBe(true);

    bytes[600] = (bytes[600] ?? 0) ^ 1;
    expect(isSigned(bytes.subarray(0, 632), signature, point)).toBe(false);
  });

  test("carries a quoting enclave's report that binds this key", async () => {
    const bytes = await quoted();
    const [point, authData] = [bytes.subarray(700, 764), bytes.subarray(1220, 1252)];
    expect(bytes.readUInt16LE(764)).toBe(6);
    expect(bytes.readUInt16LE(1218)).toBe(32);
    const bound = createHash("sha256").update(point).update(authData).digest("hex");
    expect(bytes.subarray(770 + 320, 770 + 384).toString("hex")).toBe(bound.padEnd(128, "0"));
  });

  test("has lengths that add up to its end", async () => {
    const bytes = await quoted();
    expect(636 + bytes.readUInt32LE(632)).toBe(bytes.length);
    expect(770 + bytes.readUInt32LE(766)).toBe(bytes.length);
    expect(bytes.readUInt16LE(1252)).toBe(5);
    expect(1258 + bytes.readUInt32LE(1254)).toBe(bytes.length);
  });

  test("is the same for the same registers and data", async () => {
    expect(await quoted()).toEqual(await quoted());
  });
});

describe("instances of one app", () => {
  test("differ in id and register 3, and in nothing that the image decides", async () => {
    const [one, two] = [await instance("node1"), await instance("node2")];
    const [first, second] = [tdReport(one, reportData), tdReport(two, reportData)];

    expect(one.instanceId).not.toEqual(two.instanceId);
    expect(first.rtmrs[3]).not.toEqual(second.rtmrs[3]);
    expect(first.rtmrs.slice(0, 3)).toEqual(second.rtmrs.slice(0, 3));
    expect(first.mrtd).toEqual(second.mrtd);
    expect(one.app.keys).toEqual(two.app.keys);
  });

  test("have ids that follow from seed and app id", async () => {
    const { instanceId } = await instance("node1");
    // From Python's hmac and hashlib.
    expect(Buffer.from(instanceId).toString("hex")).toBe(
      "739ff000c801addbfbc48c6c6943f1de1b45e21a",
    );
    expect(instanceIdOf(new Uint8Array(20), new Uint8Array(20))).toHaveLength(20);
  });

  test("have no id where the compose file asks for none", async () => {
    const appCompose = Buffer.from('{"no_instance_id": true}');
    const app = await createApp(settings({ appCompose }));
    const anonymous = await createInstance(app, "node1");
    expect(anonymous.instanceId).toHaveLength(0);
    expect(anonymous.events.find(({ name }) => name === "instance-id")?.payload).toHaveLength(0);
  });
});

test("the aggregate leaves out a configuration of zeros", async () => {
  const report = tdReport(await instance(), reportData);
  const zeros = { ...report, mrConfigId: new Uint8Array(48) };
  const registers = Buffer.concat([report.mrtd, ...report.rtmrs]);
  const hash = createHash("sha256").update(registers).digest();
  expect(Buffer.from(aggregatedMeasurement(zeros))).toEqual(hash);
  expect(Buffer.from(aggregatedMeasurement(report))).not.toEqual(hash);
});
