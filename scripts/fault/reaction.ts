/** Whether a cluster has come to terms with a fault. */
import { nodeName } from "../cluster/node.ts";
import { leaderIn, type NodeSight, type Sight } from "./sight.ts";

/** What a cluster should come to. */
export type Expected = {
  /** Nodes that run and reach each other, each group on its own; others are expected to be down. */
  readonly sides: readonly (readonly number[])[];
  /** Who should lead; `null`: anybody. */
  readonly leader: number | null;
};

/**
 * A side with a quorum has one leader that all of it follow and serve under; any other side refuses
 * to serve.
 *
 * @returns what is still missing, for a person; `null` when nothing is
 */
export function missingIn(sight: Sight, { sides, leader }: Expected): string | null {
  const missing = sides.flatMap((side) => missingOn(side, sight));
  if (missing.length > 0) return missing.join("; ");
  if (leader === null || leaderIn(sight.nodes)?.number === leader) return null;
  return `${nodeName(leader)} does not lead yet`;
}

function missingOn(side: readonly number[], { nodes }: Sight): readonly string[] {
  const members = nodes.filter(({ number }) => side.includes(number));
  if (members.length * 2 <= nodes.length) {
    return members
      .filter(({ trouble }) => trouble === null)
      .map(({ number }) => `${nodeName(number)} has not noticed yet that it has no quorum`);
  }
  const leader = leaderIn(members);
  return members.map((member) => troubleOf(member, leader)).filter((trouble) => trouble !== null);
}

function troubleOf(member: NodeSight, leader: NodeSight | null): string | null {
  const { number, trouble, status } = member;
  if (trouble !== null) return `${nodeName(number)} does not serve: ${trouble}`;
  if (leader === null) return `${nodeName(number)} has no leader that is in reach`;
  if (status?.leader?.endpoint === leader.url) return null;
  return `${nodeName(number)} does not follow ${nodeName(leader.number)} yet`;
}
