import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readEventLog } from "../../../node/src/tee/eventLog.ts";

type Entry = {
  imr: number;
  event_type: number;
  digest: string;
  event: string;
  event_payload: string;
  version?: number;
};

const runtime = (event: string, event_payload = "", digest = ""): Entry => ({
  ...{ imr: 3, event_type: 0x08000001, digest, event, event_payload },
});
const boot = (imr: number, digest: string): Entry => ({
  ...{ imr, event_type: 1, digest, event: "", event_payload: "" },
});
const read = (entries: readonly Entry[]) => readEventLog(JSON.stringify(entries));

const sha384 = (...parts: readonly (string | Buffer)[]) => {
  const hash = createHash("sha384");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const digestOf = (name: string, payload: string) =>
  sha384(Buffer.from("01000008", "hex"), `:${name}:`, Buffer.from(payload, "hex"));
const extended = (...digests: readonly Buffer[]) =>
  digests.reduce((register, digest) => sha384(register, digest), Buffer.alloc(48)).toString("hex");

const appId = "a9".repeat(20);
const composeHash = "c5".repeat(32);

test("digests of run-time events are computed from name and payload", () => {
  const { rtmrs, wrongDigest } = read([runtime("app-id", appId), runtime("system-ready")]);
  expect(rtmrs[3]).toBe(extended(digestOf("app-id", appId), digestOf("system-ready", "")));
  expect(rtmrs[0]).toBe("00".repeat(48));
  expect(wrongDigest).toBeNull();
});

test("a given digest of a run-time event changes nothing, and is told when it is wrong", () => {
  const right = digestOf("app-id", appId).toString("hex");
  const lie = "1e".repeat(48);
  expect(read([runtime("app-id", appId, right)]).wrongDigest).toBeNull();
  const { rtmrs, wrongDigest } = read([runtime("app-id", appId, lie)]);
  expect(rtmrs[3]).toBe(extended(digestOf("app-id", appId)));
  expect(wrongDigest).toEqual({ event: "app-id", expected: right, actual: lie });
});

test("boot events extend their own registers by the digests given, zeros on the right", () => {
  const short = "ab".repeat(32);
  const { rtmrs } = read([boot(0, short), boot(1, "cd".repeat(48))]);
  expect(rtmrs[0]).toBe(extended(Buffer.from(short.padEnd(96, "0"), "hex")));
  expect(rtmrs[1]).toBe(extended(Buffer.from("cd".repeat(48), "hex")));
  expect(rtmrs[3]).toBe("00".repeat(48));
});

test("events of the second form are JSON with sorted members", () => {
  const event = { ...runtime("app-id", appId), version: 2 };
  const text = `{"name":"app-id","payload":"${appId}","type":134217729}`;
  expect(read([event]).rtmrs[3]).toBe(extended(sha384(text)));
});

test("the first event of a name counts", () => {
  const { facts } = read([
    runtime("compose-hash", composeHash),
    runtime("compose-hash", "ff".repeat(32)),
    runtime("system-ready"),
  ]);
  expect(facts.composeHash).toBe(composeHash);
});

test("what the application measured after system-ready names no application", () => {
  const { facts } = read([
    runtime("system-ready"),
    runtime("app-id", appId),
    runtime("compose-hash", composeHash),
    runtime("os-image-hash", composeHash),
  ]);
  expect(facts).toMatchObject({ appId: null, composeHash: null, osImageHash: null });
});

test("events of boot registers, or of other types, name no application", () => {
  const inBoot = { ...runtime("app-id", appId), imr: 2 };
  const otherType = { ...runtime("app-id", appId, "ab".repeat(48)), event_type: 5 };
  expect(read([inBoot, otherType]).facts.appId).toBeNull();
});

test("a payload of the wrong length is no fact, and hides those after it", () => {
  const { facts } = read([runtime("app-id", "aa"), runtime("app-id", appId)]);
  expect(facts.appId).toBeNull();
});

test("all facts of a boot are read", () => {
  const instanceId = "1d".repeat(20);
  const keyProvider = '{"name":"kms","id":"30"}';
  expect(
    read([
      runtime("system-preparing"),
      runtime("app-id", appId),
      runtime("compose-hash", composeHash),
      runtime("instance-id", instanceId),
      runtime("os-image-hash", "05".repeat(32)),
      runtime("key-provider", Buffer.from(keyProvider).toString("hex")),
      runtime("system-ready"),
    ]).facts,
  ).toEqual({ appId, composeHash, instanceId, osImageHash: "05".repeat(32), keyProvider });
});

test.each([
  ["nothing", "", "not JSON"],
  ["an object", "{}", "the top"],
  ["a fifth register", JSON.stringify([{ ...runtime("a"), imr: 4 }]), "0.imr"],
  ["a payload that is not hex", JSON.stringify([runtime("a", "zz")]), "0.event_payload"],
  ["half a byte", JSON.stringify([runtime("a", "abc")]), "0.event_payload"],
  ["too long a digest", JSON.stringify([runtime("a", "", "ab".repeat(49))]), "0.digest"],
  ["too many events", JSON.stringify(Array.from({ length: 4_097 }, () => runtime("a"))), "the top"],
])("%s is refused, and the place is named", (_, text, place) => {
  expect(() => readEventLog(text)).toThrow(place);
});
