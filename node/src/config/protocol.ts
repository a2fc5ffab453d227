/** The protocol's settings: what an operator may choose, and what is fixed for all. */
import type { Setup } from "../consensus/replica.ts";
import type { Config } from "./config.ts";

export type ProtocolSettings = Omit<Setup, "self" | "digest" | "treeHash">;

export function protocolSettings(config: Config): ProtocolSettings {
  return {
    heartbeatMs: config.heartbeatMs,
    suspectAfterMs: config.suspectAfterMs,
    voteFallbackMs: config.voteFallbackMs,
    termWindow: 1_000_000,
    coldStart: config.coldStart,
    batchBytesMax: 262_144,
    chunkBytesMax: 1_048_576,
    batchesInFlightMax: 2,
    retainedEntries: 5_000,
    checkpointEvery: config.checkpointEvery,
    checkpointMs: config.checkpointMs,
    anchorEveryMs: config.anchorEveryMs,
    removeAfterMs: config.removeAfterMs,
  };
}
