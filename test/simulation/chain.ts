/**
 * The chain: blocks, what is waiting for one, and what each member's RPC endpoint shows of it.
 *
 * A reorganisation drops blocks; their transactions wait again and are mined in another order, or
 * never, so that a term may get another leader.
 */
import type { View } from "../../node/src/consensus/view.ts";
import type { Call, Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

export type Transaction = {
  readonly name: string;
  readonly call: Call;
  /** Told when a block took it: not when it reverted, and again when a new block does. */
  readonly onMined?: () => void;
};

/** What one member's endpoint does. */
export type Endpoint = {
  /** It answers nobody. */
  away: boolean;
  /** Blocks behind the head. */
  lagBlocks: number;
  /** It makes views up. */
  lie: ((truth: View) => View) | null;
};

export type Chain = {
  readonly endpoints: readonly Endpoint[];
  /** While halted, nothing is mined. */
  halt(halted: boolean): void;
  /** Through the endpoint of `slot`; lost when that is away. */
  send(slot: number, transaction: Transaction): void;
  /** What the endpoint of `slot` shows; null when it is away. */
  read(slot: number): View | null;
  mine(): void;
  /**
   * Drops up to `depth` blocks after the one that began term 1, and for good each of their
   * transactions with probability `lost`; the others wait again.
   */
  reorganise(depth: number, lost: number): void;
  head(): Ledger;
};

type Block = {
  readonly ledger: Ledger;
  readonly view: View;
  readonly transactions: readonly Transaction[];
};

/** No endpoint lags further behind, and no reorganisation goes deeper. */
export const blocksKept = 64;

export function createChain(options: {
  readonly genesis: Ledger;
  readonly random: Random;
  readonly nowMs: () => number;
  readonly note: (line: () => string) => void;
  readonly memberCount: number;
}): Chain {
  const { genesis, random, nowMs, note, memberCount } = options;
  const endpoints = Array.from({ length: memberCount }, (): Endpoint => {
    return { away: false, lagBlocks: 0, lie: null };
  });
  let blocks: Block[] = [{ ledger: genesis, view: viewOf(genesis), transactions: [] }];
  let waiting: Transaction[] = [];
  let halted = false;
  const head = () => (blocks.at(-1) as Block).ledger;

  function mine(): void {
    if (halted) return;
    let ledger = head();
    const mined: Transaction[] = [];
    for (const transaction of waiting) {
      const after = transaction.call(ledger, nowMs());
      note(() => `chain: ${transaction.name} ${after === null ? "reverts" : "is mined"}`);
      if (after === null) continue;
      ledger = after;
      mined.push(transaction);
    }
    waiting = [];
    const view = ledger === head() ? (blocks.at(-1) as Block).view : viewOf(ledger);
    blocks.push({ ledger, view, transactions: mined });
    if (blocks.length > blocksKept) blocks = blocks.slice(-blocksKept);
    for (const { onMined } of mined) onMined?.();
  }

  function reorganise(depth: number, lost: number): void {
    const firstOfTerms = blocks.findIndex(({ ledger }) => ledger.term > 0);
    const kept = Math.max(blocks.length - depth, firstOfTerms + 1);
    if (firstOfTerms < 0 || kept >= blocks.length) return;
    const dropped = blocks.slice(kept).flatMap(({ transactions }) => transactions);
    blocks = blocks.slice(0, kept);
    note(() => `chain: reorganised, ${dropped.length} transactions wait again or are lost`);
    for (const transaction of dropped) {
      if (random.chance(lost)) continue;
      waiting.splice(random.integer(0, waiting.length), 0, transaction);
    }
  }

  return {
    endpoints,
    halt(value) {
      halted = value;
    },
    send(slot, transaction) {
      if (endpoints[slot]?.away) return;
      waiting.push(transaction);
    },
    read(slot) {
      const endpoint = endpoints[slot];
      if (endpoint === undefined || endpoint.away) return null;
      const at = Math.max(blocks.length - 1 - endpoint.lagBlocks, 0);
      const { view } = blocks[at] as Block;
      return endpoint.lie === null ? view : endpoint.lie(view);
    },
    mine,
    reorganise,
    head,
  };
}

export function viewOf({ term, leader, roster, coldTerm }: Ledger): View {
  return { term, leader, roster, coldTerm, revoked: [] };
}
