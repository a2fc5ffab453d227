/** The faults, drawn ahead of the run, so that leaving one out leaves the others as they are. */
import type { Random } from "./random.ts";

/** Which site, or that of whoever leads when the fault comes. */
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
      readonly about: "leader" | "roster" | "members" | "anchor";
      /** Which of several lies, and about which member. */
      readonly nth: number;
      readonly termsAhead: number;
      readonly forMs: number;
    }
  | { readonly kind: "reorganise"; readonly depth: number }
  | { readonly kind: "step-down" }
  /** Its operator has the member leave; `staysUp`: and never ends the process. */
  | { readonly kind: "leave"; readonly target: Target; readonly staysUp: boolean }
  /** The owner revokes its membership. */
  | { readonly kind: "revoke"; readonly target: Target; readonly staysUp: boolean }
  /** A site without a member starts a node, which registers. */
  | { readonly kind: "join"; readonly target: number; readonly disk: "kept" | "lost" }
  /** Attestation refuses the boots that run there. */
  | { readonly kind: "refuse"; readonly target: Target; readonly forMs: number }
  /** Its machines never come back. */
  | { readonly kind: "gone"; readonly target: Target }
);

export type FaultKind = Fault["kind"];
type Weights = readonly (readonly [FaultKind, number])[];

/** How often each kind comes, relative to the others. */
const weights: Weights = [
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
/** Where members change. */
const changes: Weights = [
  ["join", 8],
  ["leave", 5],
  ["revoke", 2],
];
/** Where a majority may go on without a member that is gone. */
const losses: Weights = [
  ["gone", 2],
  ["crash-all", 4],
];

type Draw = {
  readonly random: Random;
  /** Members at genesis, and sites that members may have. */
  readonly memberCount: number;
  readonly siteCount: number;
  readonly mayLoseOne: boolean;
  readonly heartbeatMs: number;
  readonly faultsMs: number;
};

/** Each plan knows only some kinds of fault: mixes differ from seed to seed. */
export function drawFaults(draw: Draw): readonly Fault[] {
  const { random, heartbeatMs, faultsMs } = draw;
  const known = weights.filter(() => random.chance(0.6));
  const kinds = [
    ...(known.length > 0 ? known : weights),
    ...(draw.siteCount > draw.memberCount ? changes : []),
    ...(draw.mayLoseOne ? losses : []),
  ];
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
  const { random, siteCount, heartbeatMs } = draw;
  const site = () => random.integer(0, siteCount - 1);
  const target: Target = random.chance(0.4) ? "leader" : site();
  const forMs = random.pick([3, 15, 40, 100]) * heartbeatMs * (0.5 + random.float());
  const afterEffects = random.chance(0.5) ? 0 : random.integer(1, 40);
  switch (kind) {
    case "crash": {
      const disk = random.pick(["kept", "kept", "kept", "lost", "old"] as const);
      const downMs = random.chance(0.3) ? 1 : forMs;
      return { kind, atMs, target, afterEffects, downMs, disk };
    }
    case "crash-all": {
      const spared = random.chance(0.5) ? [] : [site()];
      const lostDisk = random.chance(0.3) ? site() : null;
      return { kind, atMs, spared, downMs: forMs / 4, lostDisk };
    }
    case "clone":
      return { kind, atMs, target, old: random.chance(0.5), lifeMs: forMs * 4 };
    case "pause":
      return { kind, atMs, target, afterEffects, forMs };
    case "partition": {
      const groups = Array.from({ length: siteCount }, () => random.integer(0, 1));
      return { kind, atMs, groups, forMs };
    }
    case "isolate":
      return { kind, atMs, target, forMs };
    case "cut":
      return { kind, atMs, from: site(), to: site(), forMs };
    case "loss":
      return { kind, atMs, loss: random.pick([0.05, 0.3, 0.7]), forMs };
    case "reroute":
      return { kind, atMs, target: site() };
    case "slow-disk":
      return { kind, atMs, target, writeMs: heartbeatMs * random.pick([1, 5, 20]), forMs };
    case "copy-disk":
      return { kind, atMs, target: site() };
    case "clock-jump":
      return { kind, atMs, target, byMs: forMs };
    case "join":
      return { kind, atMs, target: site(), disk: random.pick(["kept", "lost"] as const) };
    case "leave":
    case "revoke":
      return { kind, atMs, target, staysUp: random.chance(0.3) };
    case "gone":
      return { kind, atMs, target };
    case "refuse":
      return { kind, atMs, target, forMs };
    case "step-down":
      return { kind, atMs };
    default:
      return drawChainFault(kind, { atMs, target, forMs, site: site(), random });
  }
}

type ChainFaultKind = Extract<
  FaultKind,
  "chain-halt" | "endpoint-away" | "endpoint-lags" | "endpoint-lies" | "reorganise"
>;

function drawChainFault(
  kind: ChainFaultKind,
  drawn: {
    readonly atMs: number;
    readonly target: Target;
    readonly forMs: number;
    readonly site: number;
    readonly random: Random;
  },
): Fault {
  const { atMs, target, forMs, site, random } = drawn;
  switch (kind) {
    case "chain-halt":
      return { kind, atMs, forMs };
    case "endpoint-away":
      return { kind, atMs, target, forMs };
    case "endpoint-lags":
      return { kind, atMs, target, blocks: random.integer(1, 40), forMs };
    case "endpoint-lies": {
      const about = random.pick(["leader", "roster", "members", "anchor"] as const);
      return { kind, atMs, target, about, nth: site, termsAhead: random.integer(0, 3), forMs };
    }
    case "reorganise":
      return { kind, atMs, depth: random.integer(1, 12) };
    default:
      return kind satisfies never;
  }
}
