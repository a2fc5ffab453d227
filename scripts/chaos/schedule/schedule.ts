/**
 * Which faults strike, when, whom and for how long: drawn from a seed alone, before anything runs.
 *
 * Invariant: one fault at a time, and the next one only after the members of the last have come
 * back. So never more than one member at once is rolled back, emptied or cloned, which the fault
 * model (node/src/consensus/protocol.md, section 1) takes in clusters of three and more.
 */
import { type Random, randomOf } from "../../../test/simulation/random.ts";
import type { Fault, TargetKind } from "../faults/fault.ts";

export type Planned = {
  readonly number: number;
  readonly fault: Fault;
  /** Since the start of the clients; later when the cluster needs longer to recover. */
  readonly atMs: number;
  readonly holdMs: number;
  readonly target: TargetKind;
  /** Of a follower: how many positions after the leader's. */
  readonly offset: number;
  readonly seed: number;
};

export type ScheduleOptions = {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly nodeCount: number;
  readonly durationMs: number;
  /** Each fault once, as short as it may be, however long that takes. */
  readonly each: boolean;
};

/** Nothing happens before and after: what the figures of a run are held against. */
const calmMs = 2_000;
const quietMs = { min: 500, max: 1_500 } as const;
/** What a recovery usually takes; the next fault waits for it anyway. */
const recoveryMs = 700;
/** A fault that takes more of a run than this share would leave no room for others. */
const shareMax = 1 / 6;

export function drawSchedule(options: ScheduleOptions): readonly Planned[] {
  const { seed, nodeCount, durationMs, each } = options;
  const possible = options.faults.filter(
    ({ nodesMin, holdMs: [min] }) =>
      nodesMin <= nodeCount && (each || min <= durationMs * shareMax),
  );
  const random = randomOf(seed);
  const planned: Planned[] = [];
  let bag: Fault[] = [];
  let atMs = calmMs;
  while (each ? planned.length < possible.length : atMs < durationMs - calmMs) {
    if (bag.length === 0) bag = shuffled(possible, random);
    const fault = bag.pop();
    if (fault === undefined) break;
    const next = drawOne(fault, { random, nodeCount, atMs, each, number: planned.length + 1 });
    planned.push(next);
    const quiet = each ? 0 : random.integer(quietMs.min, quietMs.max);
    atMs += next.holdMs + recoveryMs + quiet;
  }
  return planned.filter((one) => each || one.atMs + one.holdMs < durationMs);
}

type Drawing = {
  readonly random: Random;
  readonly nodeCount: number;
  readonly atMs: number;
  readonly each: boolean;
  readonly number: number;
};

function drawOne(fault: Fault, { random, nodeCount, atMs, each, number }: Drawing): Planned {
  const [min, max] = fault.holdMs;
  const target = random.pick(fault.targets);
  const offset = target === "follower" ? random.integer(1, Math.max(1, nodeCount - 1)) : 0;
  const drawnMs = random.integer(min, max);
  const seed = random.integer(0, 2 ** 31);
  return { number, fault, atMs, holdMs: each ? min : drawnMs, target, offset, seed };
}

/** Fisher and Yates. */
function shuffled<T>(from: readonly T[], random: Random): T[] {
  const list = [...from];
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = random.integer(0, last);
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}

export function describeTarget({ target, offset }: Pick<Planned, "target" | "offset">): string {
  return target === "follower" ? `follower ${offset}` : target;
}
