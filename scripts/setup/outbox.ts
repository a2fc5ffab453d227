/** Transactions from a development chain's unlocked account, sent in one go and awaited together. */
import { setTimeout as delay } from "node:timers/promises";
import * as Hex from "ox/Hex";
import { z } from "zod";
import { answerAs, type Endpoint, hexNumber } from "../../node/src/chain/rpc.ts";

export type Call = {
  readonly to?: string;
  readonly data?: string;
  readonly value?: bigint;
  /** Estimated by the chain when left out. */
  readonly gas?: bigint;
};

export type Outbox = {
  readonly from: `0x${string}`;
  /**
   * @param purpose what the call is for, in an error's words
   * @returns the nonce that it took
   */
  send(purpose: string, call: Call): Promise<number>;
  /** @throws Error naming the first call that failed or was not mined within `timeoutMs` */
  settled(timeoutMs: number): Promise<void>;
};

type Sent = { readonly purpose: string; readonly hash: string };

const accountsSchema = z.array(z.templateLiteral(["0x", z.string()]));
const hashSchema = z.string();
const receiptSchema = z.object({ status: hexNumber }).nullable();
const pollMs = 20;

/** @throws Error when the chain holds no account that it would sign for */
export async function openOutbox(rpc: Endpoint): Promise<Outbox> {
  const [from] = answerAs(accountsSchema, await rpc.call("eth_accounts", []), "eth_accounts");
  if (from === undefined) {
    throw new Error("the chain has no unlocked account; expected a development chain like anvil");
  }
  let nonce = Number(await hexAnswer(rpc, "eth_getTransactionCount", [from, "pending"]));
  const sent: Sent[] = [];
  return {
    from,
    async send(purpose, call) {
      const taken = nonce++;
      const transaction = { from, nonce: Hex.fromNumber(taken), ...hexFields(call) };
      const answer = await rpc.call("eth_sendTransaction", [transaction]).catch((error: Error) => {
        throw new Error(`cannot ${purpose}: ${error.message}`, { cause: error });
      });
      sent.push({ purpose, hash: answerAs(hashSchema, answer, "eth_sendTransaction") });
      return taken;
    },
    async settled(timeoutMs) {
      const until = performance.now() + timeoutMs;
      for (const each of sent) await requireSuccess(rpc, each, until);
    },
  };
}

/** A quantity, whatever the method. */
export async function hexAnswer(
  rpc: Endpoint,
  method: string,
  params: readonly unknown[],
): Promise<bigint> {
  return BigInt(answerAs(hexNumber, await rpc.call(method, params), method));
}

function hexFields({ to, data, value, gas }: Call): Record<string, string> {
  return {
    ...(to === undefined ? {} : { to }),
    ...(data === undefined ? {} : { data }),
    ...(value === undefined ? {} : { value: Hex.fromNumber(value) }),
    ...(gas === undefined ? {} : { gas: Hex.fromNumber(gas) }),
  };
}

async function requireSuccess(rpc: Endpoint, { purpose, hash }: Sent, until: number) {
  for (;;) {
    const answer = await rpc.call("eth_getTransactionReceipt", [hash]);
    const receipt = answerAs(receiptSchema, answer, "eth_getTransactionReceipt");
    if (receipt !== null && BigInt(receipt.status) === 1n) return;
    if (receipt !== null) throw new Error(`cannot ${purpose}: transaction ${hash} was reverted`);
    if (performance.now() > until) {
      throw new Error(`cannot ${purpose}: transaction ${hash} is not mined in time`);
    }
    await delay(pollMs);
  }
}
