/**
 * Boots that attestation refuses: what runs on a machine is taken off the contract's lists, or its
 * platform falls behind. Each process comes to its own verdicts, when it next judges.
 */
import type { BootKey } from "../../node/src/consensus/ids.ts";
import type { Host } from "./host.ts";
import type { Fault, Target } from "./plan.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Heartbeats between two times that a process judges. */
export const judgingHeartbeats = 8;

/** In some of the runs in which members change: whoever is refused may be removed. */
export function drawRefusals(draw: {
  readonly random: Random;
  readonly memberCount: number;
  readonly siteCount: number;
  readonly heartbeatMs: number;
  readonly faultsMs: number;
}): readonly Fault[] {
  const { random, memberCount, siteCount, heartbeatMs, faultsMs } = draw;
  if (siteCount === memberCount || !random.chance(0.5)) return [];
  const meanGapMs = random.pick([60, 200]) * heartbeatMs;
  const faults: Fault[] = [];
  let atMs = 40 * heartbeatMs;
  while (atMs < faultsMs) {
    const target: Target = random.chance(0.4) ? "leader" : random.integer(0, siteCount - 1);
    const forMs = random.pick([10, 40, 150]) * heartbeatMs * (0.5 + random.float());
    faults.push({ kind: "refuse", atMs, target, forMs });
    atMs += -Math.log(1 - random.float()) * meanGapMs;
  }
  return faults;
}

/** All boots that run there now: one that is started later runs what is allowed. */
export function refuse({ refused }: World, host: Host): () => void {
  const boots = host.processes.map(({ boot }) => boot.bootKey);
  for (const bootKey of boots) refused.set(bootKey, (refused.get(bootKey) ?? 0) + 1);
  return () => {
    for (const bootKey of boots) refused.set(bootKey, (refused.get(bootKey) ?? 1) - 1);
  };
}

/** The leader may remove it any moment. */
export function isRefused({ refused }: World, { processes }: Host): boolean {
  return processes.some(({ boot }) => (refused.get(boot.bootKey) ?? 0) > 0);
}

/** To be called now and then: the process judges again. */
export function judge({ refused }: World, process: Process): void {
  const now = [...refused].flatMap(([bootKey, times]) => (times > 0 ? [bootKey] : []));
  const known = process.replica().refused;
  if (known.size === now.length && now.every((bootKey) => known.has(bootKey))) return;
  process.input({ kind: "attested", refused: now });
}

/** Whether the two would keep a channel, as far as their verdicts go. */
export function acceptEachOther(one: Process, other: Process): boolean {
  const refuses = (by: Process, key: BootKey) => by.replica().refused.has(key);
  return !refuses(one, other.boot.bootKey) && !refuses(other, one.boot.bootKey);
}
