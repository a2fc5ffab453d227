/**
 * Transactions from the node's wallet: simulated, signed, broadcast and awaited.
 *
 * Liveness assumes: one endpoint passes transactions on. Nothing here matters for safety: what
 * counts is what the next agreed read of the contract says.
 */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { Wallet } from "../runtime/attestation.ts";
import type { ChainFault, Count } from "../runtime/ports.ts";
import { type Fees, signTransaction } from "./envelope.ts";
import { ChainError, reverted } from "./errors.ts";
import { type Endpoints, inTurn } from "./inTurn.ts";
import { nonceKeeper, type Priced } from "./nonces.ts";
import { refusalOf } from "./refusal.ts";
import { answerAs, type Endpoint, hexCount, hexPrice, RpcRefusal } from "./rpc.ts";

export type ContractCall = {
  /** The contract's function, for messages and counters. */
  readonly name: string;
  readonly data: `0x${string}`;
};

export type SenderOptions = {
  readonly endpoints: readonly Endpoint[];
  readonly chainId: number;
  readonly contract: string;
  readonly wallet: Wallet;
  readonly count: Count;
  readonly minedTimeoutMs: number;
};

type CallRequest = { readonly from: string; readonly to: string; readonly data: `0x${string}` };
type Sent = Priced & { readonly hash: `0x${string}` };

// A call can cost more than when it was simulated: a vote that meanwhile became the deciding one
// also starts the term. Unused gas is not paid for.
const gasReserve = 100_000n;
const firstReceiptPauseMs = 10;
const receiptPauseMsMax = 500;

const receiptSchema = z.object({ status: hexCount, blockNumber: hexCount }).nullable();
const pricedBlockSchema = z.object({ baseFeePerGas: hexPrice });

/**
 * The result sends a call and resolves once it is mined.
 *
 * Signing and broadcasting are queued, so that nonces follow one another; waiting is not. What was
 * not mined in time is replaced by the next call, at a higher fee, so that it blocks nothing.
 *
 * @throws ChainError chain.reverted, chain.refused, chain.notMined, chain.unreachable
 */
export function createSender(options: SenderOptions): (call: ContractCall) => Promise<void> {
  const { wallet, contract, chainId, count, minedTimeoutMs } = options;
  const endpoints = inTurn(options.endpoints);
  const nonces = nonceKeeper(endpoints, wallet.address);
  let queue: Promise<unknown> = Promise.resolve();

  async function send(call: ContractCall): Promise<void> {
    try {
      const turn = queue.then(() => submit(call));
      queue = turn.catch(() => undefined);
      await settle(call, await turn);
      count("chain_transactions_total", { call: call.name, outcome: "mined" });
    } catch (error) {
      endpoints.rotate();
      const refusal = refusalOf(call.name, error);
      const outcome = outcomes[refusal.fault.code];
      count("chain_transactions_total", { call: call.name, outcome });
      throw refusal;
    }
  }

  async function submit(call: ContractCall): Promise<Sent> {
    const [gas, fees] = await Promise.all([estimate(call), currentFees(endpoints)]);
    const priced = await nonces.next(fees);
    const signed = signTransaction(wallet, {
      chainId,
      to: contract as `0x${string}`,
      data: call.data,
      gas: (gas * 12n) / 10n + gasReserve,
      ...priced,
    });
    await broadcast(options.endpoints, signed.raw);
    nonces.sent(priced);
    return { hash: signed.hash, ...priced };
  }

  /** Simulates the call: one that would fail is not sent, and a lost race costs nothing. */
  async function estimate(call: ContractCall): Promise<bigint> {
    const method = "eth_estimateGas";
    const answer = await endpoints.call(method, [requestOf(call)]);
    return BigInt(answerAs(hexCount, answer, method));
  }

  async function settle(call: ContractCall, sent: Sent): Promise<void> {
    const receipt = await untilMined(endpoints, sent.hash, minedTimeoutMs);
    if (receipt === null) {
      nonces.overdue(sent);
      throw notMined(call, sent.hash, minedTimeoutMs);
    }
    nonces.settled(sent);
    if (BigInt(receipt.status) === 1n) return;
    throw await whyReverted(endpoints, call.name, requestOf(call), receipt.blockNumber);
  }

  function requestOf({ data }: ContractCall): CallRequest {
    return { from: wallet.address, to: contract, data };
  }

  return send;
}

const outcomes = {
  "chain.unreachable": "unreachable",
  "chain.disputed": "unreachable",
  "chain.wrongContract": "refused",
  "chain.reverted": "reverted",
  "chain.refused": "refused",
  "chain.notMined": "not-mined",
} as const satisfies Record<ChainFault["code"], string>;

async function currentFees(endpoints: Endpoints): Promise<Fees> {
  const [block, tip] = await Promise.all([
    endpoints.call("eth_getBlockByNumber", ["latest", false]),
    endpoints.call("eth_maxPriorityFeePerGas", []),
  ]);
  const { baseFeePerGas } = answerAs(pricedBlockSchema, block, "eth_getBlockByNumber");
  const baseFee = BigInt(baseFeePerGas);
  const priority = BigInt(answerAs(hexPrice, tip, "eth_maxPriorityFeePerGas"));
  // Twice the base fee: five full blocks in a row do not outrun it (EIP-1559: 12.5 % a block).
  return { maxFeePerGas: 2n * baseFee + priority, maxPriorityFeePerGas: priority };
}

/** To all endpoints: one that keeps transactions back then delays nothing. */
async function broadcast(endpoints: readonly Endpoint[], raw: string): Promise<void> {
  const sends = endpoints.map((endpoint) =>
    endpoint.call("eth_sendRawTransaction", [raw]).catch((error: unknown) => {
      const known = error instanceof RpcRefusal && /already (known|imported)/i.test(error.message);
      if (!known) throw error;
    }),
  );
  await Promise.any(sends).catch((error: AggregateError) => {
    const errors: readonly unknown[] = error.errors;
    throw errors.find((one) => one instanceof RpcRefusal) ?? errors[0];
  });
}

/** The receipt, or null when there is none within `timeoutMs`. */
async function untilMined(
  endpoints: Endpoints,
  hash: string,
  timeoutMs: number,
): Promise<NonNullable<z.infer<typeof receiptSchema>> | null> {
  const startMs = performance.now();
  let pauseMs = firstReceiptPauseMs;
  while (performance.now() - startMs < timeoutMs) {
    const receipt = await receiptOf(endpoints, hash);
    if (receipt !== null) return receipt;
    await pause(pauseMs);
    pauseMs = Math.min(pauseMs * 1.5, receiptPauseMsMax);
  }
  return null;
}

/** null: not mined, as far as the endpoint whose turn it is can tell. */
async function receiptOf(
  endpoints: Endpoints,
  hash: string,
): Promise<z.infer<typeof receiptSchema>> {
  try {
    const answer = receiptSchema.parse(await endpoints.call("eth_getTransactionReceipt", [hash]));
    if (answer === null) endpoints.rotate();
    return answer;
  } catch {
    return null; // away for a moment, or not a receipt: the next round asks again
  }
}

/** A receipt does not say why; the same call on the state of its block does. */
async function whyReverted(
  endpoints: Endpoints,
  name: string,
  request: CallRequest,
  blockNumber: string,
): Promise<ChainError> {
  try {
    await endpoints.call("eth_call", [request, blockNumber]);
    return reverted(name, "for a reason that has passed since");
  } catch (error) {
    return refusalOf(name, error);
  }
}

function notMined({ name }: ContractCall, transactionHash: string, waitedMs: number): ChainError {
  return new ChainError(
    { code: "chain.notMined", call: name, transactionHash, waitedMs },
    `${name} was sent as ${transactionHash} but not mined within ${waitedMs} ms`,
  );
}
