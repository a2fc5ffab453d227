/** Which chain this is, and whether the contract is on it: asked once, at the start. */
import type { Log } from "../runtime/ports.ts";
import { retry } from "../runtime/retry.ts";
import { agree } from "./agree.ts";
import { ChainError } from "./errors.ts";
import { answerAs, type Endpoint, hexCount, hexText, RpcRefusal } from "./rpc.ts";
import type { ContractReader } from "./snapshot.ts";

export type Identification = {
  readonly endpoints: readonly Endpoint[];
  readonly quorum: number;
  readonly contract: string;
  readonly readerOf: (endpoint: Endpoint) => ContractReader;
  readonly log: Log;
  readonly onWaiting?: ((reason: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

type Found = { readonly chainId: number; readonly problem: string | null };

/**
 * Tries again until a quorum of endpoints answers and agrees.
 *
 * @returns the chain's id
 * @throws ChainError chain.wrongContract; the signal's reason, once it is aborted
 */
export async function identifyChain(identification: Identification): Promise<number> {
  const { endpoints, quorum, contract, log, onWaiting, signal } = identification;
  let said = "";
  const found = await retry(
    () =>
      agree(endpoints, quorum, {
        ask: (endpoint) => lookUp(endpoint, identification),
        keyOf: ({ chainId, problem }) => `${chainId} ${problem === null}`,
      }),
    {
      signal,
      onFailure(error) {
        if (!(error instanceof ChainError)) throw error;
        onWaiting?.(error.message);
        if (error.message !== said) log.warn({ fault: error.fault }, "waiting for the chain");
        said = error.message;
      },
    },
  );
  if (found.problem === null) return found.chainId;
  const reason = `${found.problem}, on chain ${found.chainId}`;
  throw new ChainError(
    { code: "chain.wrongContract", contract, reason },
    `${contract} is not the membership contract: ${reason}`,
  );
}

async function lookUp(endpoint: Endpoint, { contract, readerOf }: Identification): Promise<Found> {
  const [id, code] = await Promise.all([
    endpoint.call("eth_chainId", []),
    endpoint.call("eth_getCode", [contract, "latest"]),
  ]);
  const chainId = Number(answerAs(hexCount, id, "eth_chainId"));
  if (answerAs(hexText, code, "eth_getCode") === "0x")
    return { chainId, problem: "no code lies at that address" };
  try {
    await readerOf(endpoint).snapshot();
    return { chainId, problem: null };
  } catch (error) {
    // Away, or an answer that only another contract would give.
    const answered = error instanceof RpcRefusal && error.revertData !== null;
    if (answered) return { chainId, problem: "it refuses cluster()" };
    throw error;
  }
}
