/**
 * What an instance measures while it boots: the image's own log for registers 0 to 2, then the
 * events by which dstack binds app, compose file, instance and key provider to register 3.
 */
import { sha256 } from "@noble/hashes/sha2";
import { utf8ToBytes } from "@noble/hashes/utils";
import type { AgentVersion } from "../agentVersion.ts";
import type { OsImage } from "./osImage.ts";
import { type MeasuredEvent, runtimeEvent } from "./register.ts";

export type BootFacts = {
  readonly agentVersion: AgentVersion;
  readonly image: OsImage;
  readonly appId: Uint8Array;
  readonly composeHash: Uint8Array;
  /** 20 bytes, or none where the compose file asks for no instance id. */
  readonly instanceId: Uint8Array;
  readonly keyProviderInfo: string;
};

const empty = new Uint8Array();

/** The complete log at the moment the app starts. */
export function bootLog(facts: BootFacts): readonly MeasuredEvent[] {
  const { measuresStorage } = facts.agentVersion;
  return [
    ...facts.image.bootEvents,
    runtimeEvent("system-preparing", empty),
    runtimeEvent("app-id", facts.appId),
    runtimeEvent("compose-hash", facts.composeHash),
    runtimeEvent("instance-id", facts.instanceId),
    runtimeEvent("boot-mr-done", empty),
    runtimeEvent("mr-kms", sha256(utf8ToBytes("dstack-cluster simulator: kms"))),
    runtimeEvent("os-image-hash", facts.image.osImageHash),
    runtimeEvent("key-provider", utf8ToBytes(facts.keyProviderInfo)),
    ...(measuresStorage ? [runtimeEvent("storage-fs", utf8ToBytes("zfs"))] : []),
    runtimeEvent("system-ready", empty),
  ];
}
