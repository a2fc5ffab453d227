/** What a person can ask for. */
import type { RpcBehaviour } from "../cluster/control/words.ts";

/** A node by its number, or by what it does at that moment. */
export type Target = number | "leader" | "follower" | "all";

export type NodeAct =
  | "kill"
  | "pause"
  | "resume"
  | "restart"
  | "wipe"
  | "save"
  | "rollback"
  | "clone";

/** What is done to nodes from outside their processes, until it is healed. */
export type LeverAct =
  | { readonly kind: "partition"; readonly oneWay: boolean }
  | { readonly kind: "slow"; readonly delayMs: number }
  | { readonly kind: "lossy"; readonly lossPercent: number }
  | { readonly kind: "rpc"; readonly behaviour: RpcBehaviour }
  | { readonly kind: "clock"; readonly offMs: number };

export type Action =
  | { readonly kind: "nodes"; readonly act: NodeAct; readonly targets: readonly Target[] }
  | { readonly kind: "lever"; readonly act: LeverAct; readonly targets: readonly Target[] }
  | { readonly kind: "handover"; readonly to: Target }
  | { readonly kind: "chain"; readonly act: "stop" | "start" }
  /** `null`: a block per transaction, at once. */
  | { readonly kind: "block-time"; readonly seconds: number | null }
  | { readonly kind: "take-back"; readonly how: "reorg" | "rollback"; readonly blocks: number }
  /** Without targets, the process that serves all. */
  | { readonly kind: "stop-agents"; readonly targets: readonly Target[] }
  | { readonly kind: "start-agents" }
  | { readonly kind: "heal" }
  | { readonly kind: "status" };
