/** The local chain in the hands of a nemesis. */
import * as AbiEvent from "ox/AbiEvent";
import { z } from "zod";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { answerAs, type Endpoint, hexNumber, rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import type { Cluster } from "../../cluster/handle.ts";
import type { RpcProxy } from "../net/rpcProxy.ts";
import type { ChainControl } from "../subject.ts";

const answerTimeoutMs = 10_000;
const logsSchema = z.array(
  z.object({ topics: z.array(z.templateLiteral(["0x", z.string()])), blockNumber: hexNumber }),
);
const termStarted = AbiEvent.fromAbi(membershipAbi, "TermStarted");
const coldStarted = AbiEvent.fromAbi(membershipAbi, "ColdStarted");

/** What is on the chain, whoever runs it and whatever stands before it. */
export type Blocks = Pick<ChainControl, "setBlockTime" | "mine" | "takeBack"> & {
  terms(): Promise<readonly number[]>;
};
export type LocalChain = ChainControl & Blocks;

/** @param genesisBlock the first block that shows the whole genesis */
export function localChain(cluster: Cluster, proxy: RpcProxy, genesisBlock: number): LocalChain {
  const rpc = rpcEndpoint(cluster.rpcUrl, 0, answerTimeoutMs);
  return {
    ...localBlocks(rpc, cluster.deployment.contract, genesisBlock),
    stop: () => cluster.stopChain(),
    start: () => cluster.startChain(),
    setRpc: (position, mode) => proxy.set(position, mode),
  };
}

/** @param genesisBlock the first block that shows the whole genesis */
export function localBlocks(rpc: Endpoint, contract: string, genesisBlock: number): Blocks {
  async function firmBlock(): Promise<number> {
    const starts = await logsOf(rpc, contract, coldStarted);
    return Math.max(genesisBlock, ...starts.map(({ blockNumber }) => Number(blockNumber)));
  }

  return {
    async setBlockTime(seconds) {
      // In this order: an interval of 0 stops all mining, a block per transaction as well.
      await rpc.call("evm_setIntervalMining", [seconds ?? 0]);
      await rpc.call("evm_setAutomine", [seconds === null]);
      if (seconds === null) await rpc.call("evm_mine", []);
    },
    async mine(blocks) {
      for (let count = 0; count < blocks; count += 1) await rpc.call("evm_mine", []);
    },
    async takeBack(how, blocks) {
      const depth = Math.min(blocks, (await headOf(rpc)) - (await firmBlock()));
      if (depth < 1) return 0;
      if (how === "reorg") await rpc.call("anvil_reorg", [depth, []]);
      else await rpc.call("anvil_rollback", [depth]);
      return depth;
    },
    async terms() {
      const logs = await logsOf(rpc, contract, termStarted);
      return logs.map(({ topics }) => Number(topics[1] ?? 0));
    },
  };
}

export async function headOf(rpc: Endpoint): Promise<number> {
  return Number(answerAs(hexNumber, await rpc.call("eth_blockNumber", []), "eth_blockNumber"));
}

async function logsOf(rpc: Endpoint, address: string, event: AbiEvent.AbiEvent) {
  const topics = [AbiEvent.getSelector(event)];
  const filter = { address, topics, fromBlock: "earliest", toBlock: "latest" };
  return answerAs(logsSchema, await rpc.call("eth_getLogs", [filter]), "eth_getLogs");
}
