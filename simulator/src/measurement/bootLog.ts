/**
 * What an instance measures while it boots: an invented firmware log for registers 0 to 2, then
 * the events by which dstack binds app, compose file, instance and key provider to register 3.
 */
import { sha256, sha384 } from "@noble/hashes/sha2";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { AgentVersion } from "../agentVersion.ts";
import { type MeasuredEvent, type RegisterIndex, runtimeEvent } from "./register.ts";

export type BootFacts = {
  readonly agentVersion: AgentVersion;
  readonly appId: Uint8Array;
  readonly composeHash: Uint8Array;
  /** 20 bytes, or none where the compose file asks for no instance id. */
  readonly instanceId: Uint8Array;
  readonly keyProviderInfo: string;
};

const empty = new Uint8Array();
const separatorEventType = 4;
const actionEventType = 0x80000007;
const tagEventType = 6;
const handoffTablesEventType = 0x8000000b;

/** Of the invented operating system image, which is no real one's. */
export const osImageHash = sha256(utf8ToBytes("dstack-cluster simulator: os image"));

/** The complete log at the moment the app starts. */
export function bootLog(facts: BootFacts): readonly MeasuredEvent[] {
  return [...firmwareEvents(), ...systemEvents(facts)];
}

function systemEvents(facts: BootFacts): readonly MeasuredEvent[] {
  const { measuresStorage } = facts.agentVersion;
  return [
    runtimeEvent("system-preparing", empty),
    runtimeEvent("app-id", facts.appId),
    runtimeEvent("compose-hash", facts.composeHash),
    runtimeEvent("instance-id", facts.instanceId),
    runtimeEvent("boot-mr-done", empty),
    runtimeEvent("mr-kms", sha256(utf8ToBytes("dstack-cluster simulator: kms"))),
    runtimeEvent("os-image-hash", osImageHash),
    runtimeEvent("key-provider", utf8ToBytes(facts.keyProviderInfo)),
    ...(measuresStorage ? [runtimeEvent("storage-fs", utf8ToBytes("zfs"))] : []),
    runtimeEvent("system-ready", empty),
  ];
}

function firmwareEvents(): readonly MeasuredEvent[] {
  const loadedImage = concatBytes(hexToBytes("ed223b8f1a000000"), utf8ToBytes("LOADED_IMAGE\0"));
  const initialDisk = concatBytes(hexToBytes("ec223b8f0d000000"), utf8ToBytes("Linux initrd\0"));
  return [
    firmwareEvent(0, handoffTablesEventType, utf8ToBytes("dstack-cluster simulator: td hob")),
    firmwareEvent(0, separatorEventType, new Uint8Array(4)),
    firmwareEvent(1, actionEventType, utf8ToBytes("Calling EFI Application from Boot Option")),
    firmwareEvent(1, separatorEventType, new Uint8Array(4)),
    firmwareEvent(2, tagEventType, loadedImage),
    firmwareEvent(2, tagEventType, initialDisk),
    firmwareEvent(1, actionEventType, utf8ToBytes("Exit Boot Services Invocation")),
  ];
}

function firmwareEvent(imr: RegisterIndex, eventType: number, payload: Uint8Array): MeasuredEvent {
  return { imr, eventType, digest: sha384(payload), name: "", payload };
}
