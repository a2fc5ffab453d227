/** The container of the chain in the hands of a nemesis. */
import { rpcEndpoint } from "../../../node/src/chain/rpc.ts";
import { chainAnswers } from "../../cluster/chain.ts";
import { host } from "../../cluster/ports.ts";
import { becomes } from "../../cluster/wait.ts";
import { start, stop } from "../../docker/containers.ts";
import { headOf, type LocalChain, localBlocks } from "../local/chain.ts";
import type { RpcProxy } from "../net/rpcProxy.ts";
import type { Place } from "./place.ts";

const answerTimeoutMs = 10_000;
const answersWithinMs = 30_000;
const graceSeconds = 1;

export type ChainOptions = {
  readonly container: string;
  readonly contract: string;
  /** Between nodes and chain; `null`: nothing is. */
  readonly proxy: RpcProxy | null;
};

/** Called before any fault: the present head is taken to show the whole genesis. */
export async function dockerChain(place: Place, options: ChainOptions): Promise<LocalChain> {
  const { container, contract, proxy } = options;
  const rpcUrl = rpcUrlOf(place);
  const rpc = rpcEndpoint(rpcUrl, 0, answerTimeoutMs);
  return {
    ...localBlocks(rpc, contract, await headOf(rpc)),
    stop: () => stop(container, graceSeconds),
    async start() {
      await start(container);
      if (await becomes(() => chainAnswers(rpcUrl), answersWithinMs)) return;
      throw new Error(`the chain does not answer ${answersWithinMs / 1_000} s after its start`);
    },
    setRpc: (position, mode) => proxy?.set(position, mode),
  };
}

/** As the host reaches it. */
export function rpcUrlOf({ chainPort }: Place): string {
  return `http://${host}:${chainPort}`;
}
