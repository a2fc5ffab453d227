/** Clusters as they may be seen, made by hand. */
import type { NodeSight, Sight } from "../../../scripts/fault/sight.ts";

export const urlOf = (number: number) => `http://127.0.0.1:${8_080 + number}`;

export function nodeSight(number: number, change: Partial<NodeSight> = {}): NodeSight {
  const status = following(1, 1);
  return {
    number,
    url: urlOf(number),
    process: "runs",
    status,
    trouble: null,
    marks: [],
    ...change,
  };
}

export function following(leader: number, term: number): NonNullable<NodeSight["status"]> {
  return { role: "follower", term, leader: { endpoint: urlOf(leader) }, commitIndex: 10 * term };
}

export function leading(number: number, term: number): NonNullable<NodeSight["status"]> {
  return { ...following(number, term), role: "leader" };
}

/** node1 leads two others in term 1. */
export const wellSight: Sight = {
  nodes: [nodeSight(1, { status: leading(1, 1) }), nodeSight(2), nodeSight(3)],
  head: 7,
};

export function withNode(sight: Sight, number: number, change: Partial<NodeSight>): Sight {
  const nodes = sight.nodes.map((node) => (node.number === number ? { ...node, ...change } : node));
  return { ...sight, nodes };
}

export const down: Partial<NodeSight> = { process: "down", status: null, trouble: "down" };
