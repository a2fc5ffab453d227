/**
 * A running cluster, and each single thing that can be broken in it. What a fault consists of, and
 * what the cluster should make of it, is not known here: a cluster of processes and one of containers
 * are both breakable.
 *
 * Each step tells a person what was done, and throws a ChangeError where it cannot be done here.
 */
import type { Blocks } from "../chaos/local/chain.ts";
import type { LeverRequest } from "../cluster/control/words.ts";
import type { NodeSight, Sight } from "./sight.ts";

export type Breakable = {
  look(): Promise<Sight>;
  readonly nodes: NodeFaults;
  readonly clones: CloneFaults;
  readonly disks: DiskFaults;
  readonly chain: ChainFaults;
  readonly agents: AgentFaults;
  /** Links, RPC endpoints and clocks of nodes. */
  pull(request: LeverRequest): Promise<void>;
  /** Undoes all that was done so. */
  letGo(): Promise<void>;
  /** By the leader's own petition to the contract. */
  handOver(leader: NodeSight, successor: NodeSight): Promise<void>;
};

export type NodeFaults = {
  /** At once, as by SIGKILL; it stays down. */
  kill(number: number): Promise<void>;
  start(number: number): Promise<void>;
  /** Between any two instructions. */
  pause(number: number): Promise<void>;
  resume(number: number): Promise<void>;
};

export type CloneFaults = {
  /** Copies the node's disk. Only while the node writes nothing. */
  prepare(number: number): Promise<void>;
  /** A second process of the same member, on that copy. */
  start(number: number): Promise<void>;
  endAll(): Promise<void>;
};

export type DiskFaults = {
  /** Replaces an earlier copy. Only while the node writes nothing. */
  save(number: number): Promise<void>;
  requireSaved(number: number): Promise<void>;
  /** Only while the node is down. The copy stays, for another time. */
  restore(number: number): Promise<void>;
  /** Only while the node is down. */
  wipe(number: number): Promise<void>;
};

export type ChainFaults = {
  /** It answers nobody; its state stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
  blocks(): Promise<Blocks>;
  /** What it was started with; `null`: a block per transaction. */
  readonly blockTimeSeconds: number | null;
};

export type AgentFaults = {
  /** All of them. */
  stop(): Promise<void>;
  /** That node's alone: it is not found where it should be. */
  hide(number: number): Promise<void>;
  /** All that are stopped or hidden. @returns whether any was */
  bringBack(): Promise<boolean>;
};
