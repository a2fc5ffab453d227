/**
 * Which nonce the wallet's next transaction gets.
 *
 * The endpoint counts what it knows; transactions still awaited are counted on top, because the
 * endpoint asked may not have seen them. Nothing is kept beyond that: after a chain is reset, or a
 * transaction lost, the endpoint's count is right again.
 */
import { type Fees, replacing } from "./envelope.ts";
import type { Endpoints } from "./inTurn.ts";
import { answerAs, hexCount } from "./rpc.ts";

export type Priced = { readonly nonce: number; readonly fees: Fees };

export type Nonces = {
  /** The nonce and, where it replaces an overdue transaction, the higher fees to go with it. */
  next(fees: Fees): Promise<Priced>;
  sent(transaction: Priced): void;
  /** Mined or reverted: no longer awaited. */
  settled(transaction: Priced): void;
  /** Not mined in time: it would block all later ones, so the next transaction replaces it. */
  overdue(transaction: Priced): void;
};

export function nonceKeeper(endpoints: Endpoints, wallet: string): Nonces {
  const awaited = new Set<number>();
  let stuck: Priced | null = null;

  async function next(fees: Fees): Promise<Priced> {
    const afterAwaited = Math.max(...awaited, -1) + 1;
    if (stuck !== null) {
      const mined = await countAt("latest");
      if (mined <= stuck.nonce) {
        return { nonce: Math.max(mined, afterAwaited), fees: replacing(stuck.fees, fees) };
      }
      stuck = null;
    }
    return { nonce: Math.max(await countAt("pending"), afterAwaited), fees };
  }

  async function countAt(tag: "latest" | "pending"): Promise<number> {
    const method = "eth_getTransactionCount";
    return Number(answerAs(hexCount, await endpoints.call(method, [wallet, tag]), method));
  }

  return {
    next,
    sent: ({ nonce }) => {
      awaited.add(nonce);
    },
    settled: ({ nonce }) => {
      awaited.delete(nonce);
    },
    overdue(transaction) {
      awaited.delete(transaction.nonce);
      const nonce = Math.max(stuck?.nonce ?? 0, transaction.nonce);
      const fees = stuck === null ? transaction.fees : replacing(stuck.fees, transaction.fees);
      stuck = { nonce, fees };
    },
  };
}
