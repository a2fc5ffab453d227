/** What a fault is: how it strikes a subject, and how it is healed. */
import type { Random } from "../../../test/simulation/random.ts";
import type { Ability, Subject } from "../subject.ts";

/** Relative to whoever leads when it strikes; `follower 1` is the position after the leader's. */
export type TargetKind = "leader" | "follower" | "all";

export type Stage = {
  readonly subject: Subject;
  /** Of this fault alone: the same seed, the same draws. */
  readonly random: Random;
  /** Whom it strikes; with "all" the leader. */
  readonly target: number;
  readonly leader: number;
  /** How long it lasts, from the strike on. */
  readonly holdMs: number;
  /** Begins a write at that node and does not wait for its end. */
  readonly write: (node: number) => void;
  /** Resolves once the nodes say that this one leads, or after a few seconds. */
  readonly untilLeads: (node: number) => Promise<void>;
  /** Position of whoever leads now; the last that did when nobody does. */
  readonly leaderNow: () => number;
};

export type Struck = {
  /** At whose ports a client cannot expect to be served meanwhile. */
  readonly affected: readonly number[];
  /** What was drawn or found at the strike, for a person. */
  readonly detail?: string;
  heal(): Promise<void>;
};

export type Fault = {
  readonly name: string;
  /** One line for a person. */
  readonly about: string;
  readonly needs: readonly Ability[];
  readonly nodesMin: number;
  readonly targets: readonly TargetKind[];
  readonly holdMs: readonly [min: number, max: number];
  /** It goes beyond the fault model: what was acknowledged may be lost, or the cluster stay away. */
  readonly beyond?: true;
  /** By whom it strikes: whether clients elsewhere must not notice, as the protocol promises. */
  readonly writesGoOn: (target: TargetKind) => boolean;
  strike(stage: Stage): Promise<Struck>;
};

export const never = () => false;
export const always = () => true;
/** Without its leader nobody goes on; without a follower everybody does. */
export const atFollowers = (target: TargetKind) => target === "follower";

export function others({ nodes }: Subject, than: number): readonly number[] {
  return positionsOf(nodes.length).filter((position) => position !== than);
}

export function positionsOf(count: number): readonly number[] {
  return Array.from({ length: count }, (_, position) => position);
}
