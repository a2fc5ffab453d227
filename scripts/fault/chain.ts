/** The local chain's blocks in a person's hands. */
import * as AbiEvent from "ox/AbiEvent";
import { z } from "zod";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { answerAs, hexNumber, rpcEndpoint } from "../../node/src/chain/rpc.ts";
import { type Blocks, localBlocks } from "../chaos/local/chain.ts";
import { ChangeError } from "../cluster/failure.ts";
import { rpcUrlOf } from "../cluster/node.ts";
import type { ClusterRecord } from "../cluster/record.ts";

const answerTimeoutMs = 10_000;
const logsSchema = z.array(z.object({ blockNumber: hexNumber }));
/** What makes the members: without it there is no cluster to recover. */
const foundingEvents = ["NodeRegistered", "MemberAdmitted", "MemberRemoved"] as const;

/** @throws ChangeError when the contract is not deployed yet */
export async function blocksOf({ basePort, deployment }: ClusterRecord): Promise<Blocks> {
  if (deployment === null) throw new ChangeError("there is no contract yet: the cluster starts");
  const rpcUrl = rpcUrlOf(basePort);
  return localBlocks({ rpcUrl, deployment }, await lastFounding(rpcUrl, deployment.contract));
}

async function lastFounding(rpcUrl: string, address: string): Promise<number> {
  const rpc = rpcEndpoint(rpcUrl, 0, answerTimeoutMs);
  const selectors = foundingEvents.map((name) =>
    AbiEvent.getSelector(AbiEvent.fromAbi(membershipAbi, name)),
  );
  const filter = { address, topics: [selectors], fromBlock: "earliest", toBlock: "latest" };
  const logs = answerAs(logsSchema, await rpc.call("eth_getLogs", [filter]), "eth_getLogs");
  return Math.max(0, ...logs.map(({ blockNumber }) => Number(blockNumber)));
}
