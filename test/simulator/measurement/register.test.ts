import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { expect, test } from "vitest";
import { bootLog } from "../../../simulator/src/measurement/bootLog.ts";
import { fullEventLog, strippedEventLog } from "../../../simulator/src/measurement/eventLog.ts";
import { inventedImage } from "../../../simulator/src/measurement/osImage.ts";
import { replayRegister, runtimeEvent } from "../../../simulator/src/measurement/register.ts";
import { agentVersion, appId } from "../support.ts";

const greeting = runtimeEvent("greeting", utf8ToBytes("hello"));
const facts = {
  image: inventedImage("simulator"),
  appId,
  composeHash: new Uint8Array(32).fill(1),
  instanceId: new Uint8Array(20).fill(2),
  keyProviderInfo: "{}",
};

test("the digest of an event covers its type, name and payload", () => {
  expect(bytesToHex(greeting.digest)).toBe(
    "ed69064e33268a7b52ddf2342a9732b5d1139f20a3c9ee80e2577fd450edfca1" +
      "6734f4be6d2d203343847642d7fd4b9e",
  );
});

test("a register starts at zero and extends by each of its events", () => {
  expect(replayRegister([], 3)).toEqual(new Uint8Array(48));
  expect(bytesToHex(replayRegister([greeting], 3))).toBe(
    "f4a34a077dbc11f3053443107b26e1f3b308cab23e70f8ec79c0bdba37713423" +
      "1aeb756ea1a5470e6954b653e39bfdcc",
  );
  expect(replayRegister([greeting], 0)).toEqual(new Uint8Array(48));
});

test("a short digest is padded with zeros on the right", () => {
  const short = { ...greeting, digest: hexToBytes("aabb") };
  const padded = { ...greeting, digest: hexToBytes("aabb".padEnd(96, "0")) };
  expect(replayRegister([short], 3)).toEqual(replayRegister([padded], 3));
});

test("the order of events matters", () => {
  const other = runtimeEvent("other", new Uint8Array());
  expect(replayRegister([greeting, other], 3)).not.toEqual(replayRegister([other, greeting], 3));
});

test("an instance measures app, compose file, instance and key provider as it boots", () => {
  const log = fullEventLog(bootLog({ ...facts, agentVersion: agentVersion("0.5.8") }));
  const runtime = log.filter((entry) => entry.imr === 3);

  expect(runtime.map((entry) => entry.event)).toEqual([
    "system-preparing",
    "app-id",
    "compose-hash",
    "instance-id",
    "boot-mr-done",
    "mr-kms",
    "os-image-hash",
    "key-provider",
    "storage-fs",
    "system-ready",
  ]);
  expect(runtime[1]?.event_payload).toBe(appId.toString("hex"));
  expect(new Set(log.map((entry) => entry.imr))).toEqual(new Set([0, 1, 2, 3]));
});

test("an agent of 0.5.4 does not measure its file system", () => {
  const log = bootLog({ ...facts, agentVersion: agentVersion("0.5.4") });
  expect(log.map((event) => event.name)).not.toContain("storage-fs");
});

test("a stripped log keeps digests of the firmware and payloads of the system", () => {
  const log = bootLog({ ...facts, agentVersion: agentVersion("0.5.8") });
  const full = fullEventLog(log);
  const stripped = strippedEventLog(log);

  for (const [position, entry] of stripped.entries()) {
    const isRuntime = entry.imr === 3;
    const original = full[position];
    expect(entry.digest).toBe(isRuntime ? "" : original?.digest);
    expect(entry.event_payload).toBe(isRuntime ? original?.event_payload : "");
  }
});
