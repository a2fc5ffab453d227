/** Transactions from a development chain's unlocked account, sent in one go and awaited together. */
import { setTimeout as delay } from "node:timers/promises";
import * as Hex from "ox/Hex";
import { z } from "zod";
import { revertText } from "../../node/src/chain/errors.ts";
import { answerAs, type Endpoint, hexNumber, RpcRefusal } from "../../node/src/chain/rpc.ts";

export type Call = {
  readonly to?: string;
  readonly data?: string;
  readonly value?: bigint;
  /**
   * Left out: the chain estimates it, and a call that the contract would refuse is not sent. To be
   * given where the contract may not be mined yet.
   */
  readonly gas?: bigint;
};

export type Outbox = {
  readonly from: `0x${string}`;
  /**
   * @param purpose what the call is for, in an error's words
   * @returns the nonce that it took
   * @throws Error saying what cannot be done, and why
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
      const refuse = (error: Error): never => {
        throw new Error(`cannot ${purpose}: ${refusalOf(error)}`, { cause: error });
      };
      const fields = { from, ...hexFields(call) };
      if (call.to !== undefined && call.gas === undefined) {
        await rpc.call("eth_call", [fields, "latest"]).catch(refuse);
      }
      const taken = nonce++;
      const transaction = { ...fields, nonce: Hex.fromNumber(taken) };
      const answer = await rpc.call("eth_sendTransaction", [transaction]).catch(refuse);
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

function refusalOf(error: Error): string {
  const reverted = error instanceof RpcRefusal && error.revertData !== null;
  return reverted ? `the contract refused: ${revertText(error.revertData ?? "0x")}` : error.message;
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
