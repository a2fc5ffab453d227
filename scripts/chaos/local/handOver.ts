/** A leader's petition to the contract, made with the key that its guest agent derives. */
import { openChain } from "../../../node/src/chain/chain.ts";
import { term } from "../../../node/src/consensus/ids.ts";
import type { Count, Log } from "../../../node/src/runtime/ports.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { openEnclave } from "../../../node/src/tee/enclave.ts";

export type HandOver = (successor: string) => Promise<void>;

const quiet: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};
const uncounted: Count = () => undefined;
const minedTimeoutMs = 3_000;

/**
 * @param endpoint of the leader's guest agent
 * @returns names the member that is reached at this client endpoint the leader of the next term
 * @throws ChainError when this member does not lead, or the other is none
 */
export async function openHandOver(options: {
  readonly endpoint: string;
  readonly rpcUrl: string;
  readonly contract: string;
}): Promise<HandOver> {
  const { endpoint, rpcUrl, contract } = options;
  const { wallet, keyProof } = await openEnclave({ endpoint, log: quiet });
  const chain = await openChain({
    rpcUrls: [rpcUrl],
    rpcQuorum: 1,
    confirmations: 1,
    contract,
    wallet,
    keyProof,
    digest: sha256Chain,
    log: quiet,
    count: uncounted,
    minedTimeoutMs,
  });
  return async (successor) => {
    const { view, members } = await chain.read();
    const slot = members.find((member) => member.endpoint === successor)?.slot ?? -1;
    await chain.handOver({ term: term(view.term), successorSlot: slot });
  };
}
