/** The local chain's blocks in a person's hands. */
import * as AbiEvent from "ox/AbiEvent";
import { z } from "zod";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { answerAs, type Endpoint, hexNumber } from "../../node/src/chain/rpc.ts";
import { type Blocks, localBlocks } from "../chaos/local/chain.ts";

const logsSchema = z.array(z.object({ blockNumber: hexNumber }));
/** What makes the members: without it there is no cluster to recover. */
const foundingEvents = ["NodeRegistered", "MemberAdmitted", "MemberRemoved"] as const;

/** @param contract its address */
export async function blocksOf(rpc: Endpoint, contract: string): Promise<Blocks> {
  return localBlocks(rpc, contract, await lastFounding(rpc, contract));
}

async function lastFounding(rpc: Endpoint, address: string): Promise<number> {
  const selectors = foundingEvents.map((name) =>
    AbiEvent.getSelector(AbiEvent.fromAbi(membershipAbi, name)),
  );
  const filter = { address, topics: [selectors], fromBlock: "earliest", toBlock: "latest" };
  const logs = answerAs(logsSchema, await rpc.call("eth_getLogs", [filter]), "eth_getLogs");
  return Math.max(0, ...logs.map(({ blockNumber }) => Number(blockNumber)));
}
