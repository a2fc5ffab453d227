/** A hand-over of the office, by the leader's own petition to the contract. */
import { openHandOver } from "../chaos/local/handOver.ts";
import { ChangeError } from "../cluster/failure.ts";
import { guestSocket } from "../cluster/layout.ts";
import { nodeName, rpcUrlOf } from "../cluster/node.ts";
import type { ClusterRecord } from "../cluster/record.ts";
import type { Target } from "./action.ts";
import { leaderIn, type Sight } from "./sight.ts";
import { resolveTargets } from "./targets.ts";

type Scene = {
  readonly record: ClusterRecord;
  readonly before: Sight;
  readonly say: (line: string) => void;
};

/**
 * @returns the number of who should lead now
 * @throws ChangeError
 */
export async function handOver(to: Target, { record, before, say }: Scene): Promise<number> {
  const leader = leaderIn(before.nodes);
  if (leader === null) throw new ChangeError("nobody leads now, hence nobody can hand over");
  const [number] = resolveTargets([to], before);
  const successor = before.nodes.find((node) => node.number === number);
  if (successor === undefined || successor.number === leader.number) {
    throw new ChangeError(`${nodeName(leader.number)} leads already; expected a follower`);
  }
  if (record.deployment === null) throw new ChangeError("there is no contract yet");
  const name = nodeName(leader.number);
  const petition = await openHandOver({
    endpoint: guestSocket(record.socketDir, name),
    rpcUrl: rpcUrlOf(record.basePort),
    contract: record.deployment.contract,
  });
  await petition(successor.url);
  say(`${name} has named ${nodeName(successor.number)} the next leader`);
  return successor.number;
}
