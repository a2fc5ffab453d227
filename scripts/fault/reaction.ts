/** Whether a cluster has come to terms with a fault. */
import { nodeName } from "../cluster/node.ts";
import { leaderIn, type NodeSight, type Sight } from "./sight.ts";

/** What a cluster should come to. */
export type Expected = {
  /** Nodes that run and reach each other, each group on its own; others are expected to be down. */
  readonly sides: readonly (readonly number[])[];
  /** Of whom nothing is expected; they may reach, and lead, any side. */
  readonly doubtful: readonly number[];
  /** Who should lead; `null`: anybody. */
  readonly leader: number | null;
  /** Why so little is expected, for a person; `null`: nothing is unusual. */
  readonly note: string | null;
};

/**
 * A side with a quorum has one leader that all of it follow and serve under; any other side refuses
 * to serve.
 *
 * @returns what is still missing, for a person; `null` when nothing is
 */
export function missingIn(sight: Sight, expected: Omit<Expected, "note">): string | null {
  const { sides, doubtful, leader } = expected;
  const missing = sides.flatMap((side) => missingOn(side, doubtful, sight));
  if (missing.length > 0) return missing.join("; ");
  if (leader === null || leaderIn(sight.nodes)?.number === leader) return null;
  return `${nodeName(leader)} does not lead yet`;
}

function missingOn(
  side: readonly number[],
  doubtful: readonly number[],
  { nodes }: Sight,
): readonly string[] {
  const members = nodes.filter(({ number }) => side.includes(number));
  const reached = nodes.filter(({ number }) => side.includes(number) || doubtful.includes(number));
  if (reached.length * 2 <= nodes.length) {
    return members.map(heedlessnessOf).filter((trouble) => trouble !== null);
  }
  const leader = leaderIn(reached);
  return members.map((member) => troubleOf(member, leader)).filter((trouble) => trouble !== null);
}

/** Of one without a quorum. */
function heedlessnessOf({ number, status, trouble }: NodeSight): string | null {
  if (trouble === null) return `${nodeName(number)} has not noticed yet that it has no quorum`;
  // It is still starting: what it will refuse for is not known yet.
  const starts = status === null || status.role === "unregistered";
  return starts ? `${nodeName(number)}: ${trouble}` : null;
}

function troubleOf(member: NodeSight, leader: NodeSight | null): string | null {
  const { number, trouble, status } = member;
  if (trouble !== null) return `${nodeName(number)} does not serve: ${trouble}`;
  if (leader === null) return `${nodeName(number)} has no leader that is in reach`;
  if (status?.leader?.endpoint === leader.url) return null;
  return `${nodeName(number)} does not follow ${nodeName(leader.number)} yet`;
}
