/** What can be seen of a cluster from outside, as of one moment. */
import type { Mark } from "../cluster/control/words.ts";
import { type NodeStatus, statusAt } from "../cluster/members/status.ts";
import { serves, whyNotServing } from "../cluster/node.ts";

export type NodeSight = {
  readonly number: number;
  /** Where clients reach it. */
  readonly url: string;
  readonly process: "runs" | "paused" | "down";
  /** `null`: it does not answer. */
  readonly status: NodeStatus | null;
  /** `null`: it serves. */
  readonly trouble: string | null;
  /** What is done to it. */
  readonly marks: readonly Mark[];
};

export type Sight = {
  /** Ascending by number. */
  readonly nodes: readonly NodeSight[];
  /** The newest block; `null`: the chain does not answer. */
  readonly head: number | null;
};

export const agentlessMark: Mark = { text: "no guest agent", hampers: true };
export const cutOffMark: Mark = { text: "cut off", hampers: true };

/** One that stands still takes a connection and never answers it: that is not waited for. */
export async function lookAtNode(seen: Omit<NodeSight, "status" | "trouble">): Promise<NodeSight> {
  if (seen.process !== "runs") return { ...seen, status: null, trouble: seen.process };
  const [status, serving] = await Promise.all([statusAt(seen.url), serves(seen.url)]);
  return { ...seen, status, trouble: serving ? null : await whyNotServing(seen.url) };
}

/** The newest leader by its own word; `null`: nobody leads. */
export function leaderIn(nodes: readonly NodeSight[]): NodeSight | null {
  const leading = nodes.filter(({ status }) => status?.role === "leader");
  return leading.sort((a, b) => (b.status?.term ?? 0) - (a.status?.term ?? 0))[0] ?? null;
}

export function numbersThat(process: NodeSight["process"], { nodes }: Sight): readonly number[] {
  return nodes.filter((node) => node.process === process).map(({ number }) => number);
}

/** Whoever was in trouble before need not be well after another fault. */
export function numbersThatServe({ nodes }: Sight): readonly number[] {
  return nodes.filter(({ trouble }) => trouble === null).map(({ number }) => number);
}
