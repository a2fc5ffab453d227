/** What one seed stands for: the cluster, its surroundings, and the faults to come. */

import type { NetworkSettings } from "./network.ts";
import { drawFaults, type Fault } from "./plan.ts";
import { type Random, randomOf } from "./random.ts";

export type Scenario = {
  readonly seed: number;
  readonly memberCount: number;
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
  readonly faults: readonly Fault[];
};

export function drawScenario(seed: number): Scenario {
  const random = randomOf(seed).fork(1);
  const memberCount = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 6, 7]);
  const heartbeatMs = random.pick([100, 200, 400]);
  const faultsMs = random.integer(600, 1_800) * heartbeatMs;
  return {
    seed,
    memberCount,
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
    faults: drawFaults({ random: random.fork(2), memberCount, heartbeatMs, faultsMs }),
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
