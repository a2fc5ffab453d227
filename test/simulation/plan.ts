/** The faults, drawn ahead of the run, so that leaving one out leaves the others as they are. */
import type { Random } from "./random.ts";

/** Which member: by slot, or whoever leads when the fault comes. */
export type Target = number | "leader";
export type DiskAfter = "kept" | "lost" | "old";

export type Fault = { readonly atMs: number } & (
  | {
      readonly kind: "crash";
      readonly target: Target;
      /** Strikes between two effects: after this many. */
      readonly afterEffects: number;
      readonly downMs: number;
      readonly disk: DiskAfter;
    }
  /** All but `spared` at once. */
  | {
      readonly kind: "crash-all";
      readonly spared: readonly number[];
      readonly downMs: number;
      readonly lostDisk: Target | null;
    }
  /** A second process of one member from a copy of its disk, present or old. */
  | {
      readonly kind: "clone";
      readonly target: Target;
      readonly old: boolean;
      readonly lifeMs: number;
    }
  | {
      readonly kind: "pause";
      readonly target: Target;
      readonly afterEffects: number;
      readonly forMs: number;
    }
  /** Members of different groups do not hear each other. */
  | { readonly kind: "partition"; readonly groups: readonly number[]; readonly forMs: number }
  | { readonly kind: "isolate"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "cut"; readonly from: number; readonly to: number; readonly forMs: number }
  | { readonly kind: "loss"; readonly loss: number; readonly forMs: number }
  /** Senders reach another process of this member, where it has several. */
  | { readonly kind: "reroute"; readonly target: number }
  | {
      readonly kind: "slow-disk";
      readonly target: Target;
      readonly writeMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "copy-disk"; readonly target: number }
  | { readonly kind: "clock-jump"; readonly target: Target; readonly byMs: number }
  | { readonly kind: "chain-halt"; readonly forMs: number }
  | { readonly kind: "endpoint-away"; readonly target: Target; readonly forMs: number }
  | {
      readonly kind: "endpoint-lags";
      readonly target: Target;
      readonly blocks: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "endpoint-lies";
      readonly target: Target;
      readonly leader: number;
      readonly termsAhead: number;
      readonly forMs: number;
    }
  | { readonly kind: "reorganise"; readonly depth: number }
  | { readonly kind: "step-down" }
);

export type FaultKind = Fault["kind"];

/** How often each kind comes, relative to the others. */
const weights: readonly (readonly [FaultKind, number])[] = [
  ["crash", 12],
  ["crash-all", 3],
  ["clone", 5],
  ["pause", 8],
  ["partition", 6],
  ["isolate", 6],
  ["cut", 6],
  ["loss", 3],
  ["reroute", 4],
  ["slow-disk", 3],
  ["copy-disk", 4],
  ["clock-jump", 2],
  ["chain-halt", 2],
  ["endpoint-away", 3],
  ["endpoint-lags", 3],
  ["endpoint-lies", 3],
  ["reorganise", 4],
  ["step-down", 2],
];

type Draw = {
  readonly random: Random;
  readonly memberCount: number;
  readonly heartbeatMs: number;
  readonly faultsMs: number;
};

/** Each plan knows only some kinds of fault: mixes differ from seed to seed. */
export function drawFaults(draw: Draw): readonly Fault[] {
  const { random, heartbeatMs, faultsMs } = draw;
  const known = weights.filter(() => random.chance(0.6));
  const kinds = known.length > 0 ? known : weights;
  const bag = kinds.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind));
  const meanGapMs = random.pick([15, 40, 120]) * heartbeatMs;
  const faults: Fault[] = [];
  let atMs = 20 * heartbeatMs * random.float();
  while (atMs < faultsMs) {
    faults.push(drawFault(random.pick(bag), atMs, draw));
    atMs += -Math.log(1 - random.float()) * meanGapMs;
  }
  return faults;
}

function drawFault(kind: FaultKind, atMs: number, draw: Draw): Fault {
  const { random, memberCount, heartbeatMs } = draw;
  const slot = () => random.integer(0, memberCount - 1);
  const target: Target = random.chance(0.4) ? "leader" : slot();
  const forMs = random.pick([3, 15, 40, 100]) * heartbeatMs * (0.5 + random.float());
  const afterEffects = random.chance(0.5) ? 0 : random.integer(1, 40);
  switch (kind) {
    case "crash": {
      const disk = random.pick(["kept", "kept", "kept", "lost", "old"] as const);
      const downMs = random.chance(0.3) ? 1 : forMs;
      return { kind, atMs, target, afterEffects, downMs, disk };
    }
    case "crash-all": {
      const spared = random.chance(0.5) ? [] : [slot()];
      const lostDisk = random.chance(0.3) ? slot() : null;
      return { kind, atMs, spared, downMs: forMs / 4, lostDisk };
    }
    case "clone":
      return { kind, atMs, target, old: random.chance(0.5), lifeMs: forMs * 4 };
    case "pause":
      return { kind, atMs, target, afterEffects, forMs };
    case "partition": {
      const groups = Array.from({ length: memberCount }, () => random.integer(0, 1));
      return { kind, atMs, groups, forMs };
    }
    case "isolate":
      return { kind, atMs, target, forMs };
    case "cut":
      return { kind, atMs, from: slot(), to: slot(), forMs };
    case "loss":
      return { kind, atMs, loss: random.pick([0.05, 0.3, 0.7]), forMs };
    case "reroute":
      return { kind, atMs, target: slot() };
    case "slow-disk":
      return { kind, atMs, target, writeMs: heartbeatMs * random.pick([1, 5, 20]), forMs };
    case "copy-disk":
      return { kind, atMs, target: slot() };
    case "clock-jump":
      return { kind, atMs, target, byMs: forMs };
    default:
      return drawChainFault(kind, { atMs, target, forMs, slot: slot(), random });
  }
}

type ChainFaultKind = Extract<
  FaultKind,
  "chain-halt" | "endpoint-away" | "endpoint-lags" | "endpoint-lies" | "reorganise" | "step-down"
>;

function drawChainFault(
  kind: ChainFaultKind,
  drawn: {
    readonly atMs: number;
    readonly target: Target;
    readonly forMs: number;
    readonly slot: number;
    readonly random: Random;
  },
): Fault {
  const { atMs, target, forMs, slot, random } = drawn;
  switch (kind) {
    case "chain-halt":
      return { kind, atMs, forMs };
    case "endpoint-away":
      return { kind, atMs, target, forMs };
    case "endpoint-lags":
      return { kind, atMs, target, blocks: random.integer(1, 40), forMs };
    case "endpoint-lies":
      return { kind, atMs, target, leader: slot, termsAhead: random.integer(0, 3), forMs };
    case "reorganise":
      return { kind, atMs, depth: random.integer(1, 12) };
    case "step-down":
      return { kind, atMs };
    default:
      return kind satisfies never;
  }
}
