/**
 * A cluster under test, and all that can be done to it. What a fault is, and when it strikes, is not
 * known here: a cluster of processes and one of containers are both subjects.
 *
 * Positions count from 0 and name a machine: a clone of a node has the position of the original.
 */
import type { Link } from "./net/link.ts";
import type { RpcMode } from "./net/rpcProxy.ts";

/**
 * What not every subject can do. Of the network: `cuts` part nodes from one another, both ways;
 * `shaping` is all else that can befall a link.
 */
export type Ability =
  | "cuts"
  | "shaping"
  | "clock"
  | "full-disk"
  | "hand-over"
  | "clone"
  | "guest-agent"
  | "rpc";

export type SubjectNode = {
  readonly name: string;
  /** Where clients reach it. */
  readonly url: string;
};

export type Subject = {
  readonly nodes: readonly SubjectNode[];
  /** Why this subject has not that ability, for a person; those that it has are not in it. */
  readonly lacks: ReadonlyMap<Ability, string>;
  readonly machines: Machines;
  readonly disks: Disks;
  readonly network: Network;
  readonly chain: ChainControl;
  readonly agents: Agents;
  evidence(): Promise<Evidence>;
  /** Ends everything. @param keepDisks whether whoever looks into the run needs the nodes' disks */
  stop(keepDisks: boolean): Promise<void>;
};

export type Machines = {
  /** Every resolves once it is so. A killed node stays down until it is started. */
  kill(position: number): Promise<void>;
  start(position: number): Promise<void>;
  /** At once, as by SIGSTOP: between any two instructions. Asked for before this returns. */
  pause(position: number): Promise<void>;
  resume(position: number): Promise<void>;
  /** A second process of the same member from a copy of its disk. Returns what ends it. */
  clone(position: number): Promise<() => Promise<void>>;
  /** Of the wall clock; 0 is right. */
  shiftClock(position: number, ms: number): Promise<void>;
  /** The leader's own petition to the contract: another member leads. */
  handOver(from: number, to: number): Promise<void>;
};

export type Disks = {
  /** As of one moment: the node is paused meanwhile. */
  copy(position: number): Promise<DiskCopy>;
  /** Only while the node is down. */
  restore(position: number, copy: DiskCopy): Promise<void>;
  /** Only while the node is down. */
  empty(position: number): Promise<void>;
  /** Leaves no room. Returns what makes room again. */
  fill(position: number): Promise<() => Promise<void>>;
};

export type DiskCopy = { readonly folder: string };

export type Network = {
  /**
   * Cuts every way between a node of the first side and one of the second, in both directions: nobody
   * is told. Whoever is on neither side reaches all. Returns what joins them again.
   */
  part(side: readonly number[], other: readonly number[]): Promise<() => Promise<void>>;
  link(from: number, to: number): Link;
  reset(a: number, b: number): void;
};

export type ChainControl = {
  stop(): Promise<void>;
  start(): Promise<void>;
  /** `null`: a block per transaction, at once. */
  setBlockTime(seconds: number | null): Promise<void>;
  mine(blocks: number): Promise<void>;
  /**
   * Takes the last blocks back and what was in them, as far as the fault model goes: never the
   * genesis, nor a cold start.
   *
   * @param how `reorg` puts as many empty blocks in their place, `rollback` none
   * @returns how many were taken back
   */
  takeBack(how: "reorg" | "rollback", blocks: number): Promise<number>;
  /** How one node's endpoint behaves from now on. */
  setRpc(position: number, mode: RpcMode): void;
};

export type Agents = {
  /** The guest agent of one node: its socket is not there. Returns what brings it back. */
  hide(position: number): Promise<() => Promise<void>>;
  /** All guest agents are ended. Returns what starts them again. */
  kill(): Promise<() => Promise<void>>;
};

/** What the cluster itself says of the run, once it is over. */
export type Evidence = {
  /** By each boot that took office, as its own log says. */
  readonly offices: readonly Office[];
  /** Nodes that ended by themselves. */
  readonly endings: readonly Ending[];
  /** Terms that the contract's present chain shows as begun, in its order. */
  readonly terms: readonly number[];
};

export type Office = {
  readonly node: string;
  /** Tells one process start of the node from another. */
  readonly boot: string;
  readonly term: number;
};
export type Ending = { readonly node: string; readonly exitCode: number; readonly why: string };
