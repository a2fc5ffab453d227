/** What can be seen of a local cluster from outside, as of one moment. */
import { existsSync, readFileSync } from "node:fs";
import { rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { headOf } from "../chaos/local/chain.ts";
import { isRunning } from "../cluster/identity.ts";
import { guestSocket } from "../cluster/layout.ts";
import { type NodeStatus, statusAt } from "../cluster/members/status.ts";
import { nodeName, nodeUrl, rpcUrlOf, serves, whyNotServing } from "../cluster/node.ts";
import type { ClusterRecord } from "../cluster/record.ts";

export type NodeSight = {
  readonly number: number;
  readonly url: string;
  readonly process: "runs" | "paused" | "down";
  /** `null`: it does not answer. */
  readonly status: NodeStatus | null;
  /** `null`: it serves. */
  readonly trouble: string | null;
  /** Whether its guest agent's socket can be reached by its name. */
  readonly hasAgent: boolean;
};

export type Sight = {
  readonly nodes: readonly NodeSight[];
  /** The newest block; `null`: the chain does not answer. */
  readonly head: number | null;
};

const chainTimeoutMs = 2_000;

export async function lookAt(record: ClusterRecord): Promise<Sight> {
  const [nodes, head] = await Promise.all([
    Promise.all(record.nodes.map(({ number }) => lookAtNode(record, number))),
    headOf(rpcEndpoint(rpcUrlOf(record.basePort), 0, chainTimeoutMs)).catch(() => null),
  ]);
  return { nodes, head };
}

async function lookAtNode(record: ClusterRecord, number: number): Promise<NodeSight> {
  const url = nodeUrl(record.basePort, number);
  const process = processOf(record, nodeName(number));
  const seen = { number, url, process, hasAgent: hasAgent(record, number) };
  // One that stands still takes a connection and never answers it: that is not waited for.
  if (process !== "runs") return { ...seen, status: null, trouble: process };
  const [status, serving] = await Promise.all([statusAt(url), serves(url)]);
  return { ...seen, status, trouble: serving ? null : await whyNotServing(url) };
}

function processOf({ processes }: ClusterRecord, name: string): NodeSight["process"] {
  const process = processes.find((each) => each.name === name);
  if (process === undefined || !isRunning(process)) return "down";
  return isStopped(process.pid) ? "paused" : "runs";
}

/** Where the system does not say, its node is asked, and does not answer. */
function isStopped(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function hasAgent({ socketDir, processes }: ClusterRecord, number: number): boolean {
  const served = processes.some(
    (process) => /^(?:simulator|agent\d+)$/.test(process.name) && isRunning(process),
  );
  return served && existsSync(guestSocket(socketDir, nodeName(number)));
}

/** The newest leader by its own word; `null`: nobody leads. */
export function leaderIn(nodes: readonly NodeSight[]): NodeSight | null {
  const leading = nodes.filter(({ status }) => status?.role === "leader");
  return leading.sort((a, b) => (b.status?.term ?? 0) - (a.status?.term ?? 0))[0] ?? null;
}
