/** What one seed stands for: the cluster, its surroundings, and the faults to come. */

import { drawRefusals } from "./attestation.ts";
import type { NetworkSettings } from "./network.ts";
import { drawFaults, type Fault } from "./plan.ts";
import { type Random, randomOf } from "./random.ts";

export type Scenario = {
  readonly seed: number;
  /** At genesis. */
  readonly memberCount: number;
  /** Where members may stand: beyond `memberCount`, those that join later. */
  readonly siteCount: number;
  readonly coldStart: "all" | "majority";
  readonly heartbeatMs: number;
  /** For how long faults come; then all is mended, and the cluster must recover. */
  readonly faultsMs: number;
  readonly network: NetworkSettings;
  /** Mean time of one write to disk. */
  readonly writeMs: number;
  readonly blockMs: number;
  readonly clientCount: number;
  readonly thinkMs: number;
  readonly snapshotEvery: number;
  readonly retainedEntries: number;
  readonly batchBytesMax: number;
  readonly chunkBytesMax: number;
  readonly batchesInFlightMax: number;
  readonly checkpointEvery: number;
  readonly checkpointMs: number;
  readonly anchorEveryMs: number | null;
  readonly removeAfterMs: number | null;
  /** Blocks that a term must have before members may change in it. */
  readonly confirmations: number;
  readonly faults: readonly Fault[];
};

export function drawScenario(seed: number): Scenario {
  const random = randomOf(seed).fork(1);
  const memberCount = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 6, 7]);
  const heartbeatMs = random.pick([100, 200, 400]);
  const faultsMs = random.integer(600, 1_800) * heartbeatMs;
  // Members stay as they are in half of the runs, and in most a cold start needs all of them.
  const siteCount = memberCount + random.pick([0, 0, 0, 1, 2, 3]);
  const coldStart = random.pick(["all", "all", "all", "majority"] as const);
  const mayLoseOne = coldStart === "majority" && memberCount > 2;
  const membership = { memberCount, siteCount, mayLoseOne };
  return {
    seed,
    memberCount,
    siteCount,
    coldStart,
    heartbeatMs,
    faultsMs,
    network: drawNetwork(random),
    writeMs: random.pick([0.2, 2, 20]),
    blockMs: random.pick([50, 500, 2_000]),
    clientCount: random.integer(1, 5),
    thinkMs: random.pick([5, 20, 50]) * heartbeatMs,
    snapshotEvery: random.pick([8, 25, 100]),
    retainedEntries: random.pick([0, 4, 20]),
    batchBytesMax: random.pick([60, 600, 100_000]),
    chunkBytesMax: random.pick([500, 4_000, 100_000]),
    batchesInFlightMax: random.pick([1, 2, 64]),
    ...drawCheckpoints(random, heartbeatMs),
    removeAfterMs: random.pick([null, null, null, 400]) && 400 * heartbeatMs,
    confirmations: random.integer(1, 4),
    faults: [
      ...drawFaults({ random: random.fork(2), ...membership, heartbeatMs, faultsMs }),
      ...drawRefusals({ random: random.fork(6), ...membership, heartbeatMs, faultsMs }),
    ].sort((a, b) => a.atMs - b.atMs),
  };
}

function drawNetwork(random: Random): NetworkSettings {
  return {
    delayMs: random.pick([0.2, 1, 20]),
    jitterMs: random.pick([0.5, 5, 60]),
    loss: random.pick([0, 0, 0.01, 0.1]),
    duplication: random.pick([0, 0, 0.02, 0.1]),
    ordered: random.chance(0.5),
  };
}

function drawCheckpoints(random: Random, heartbeatMs: number) {
  return {
    checkpointEvery: random.pick([5, 20, 1_000]),
    checkpointMs: random.pick([10, 50, 1_000]) * heartbeatMs,
    anchorEveryMs: random.pick([null, 20 * heartbeatMs, 100 * heartbeatMs]),
  };
}
