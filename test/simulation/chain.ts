/**
 * The chain: blocks, what is waiting for one, and what each member's RPC endpoint shows of it.
 *
 * A reorganisation drops blocks; their transactions wait again and are mined in another order, or
 * never, so that a term may get another leader.
 */
import type { Roster } from "../../node/src/consensus/roster.ts";
import type { View } from "../../node/src/consensus/view.ts";
import { type Call, type Ledger, viewOf } from "./contract/ledger.ts";
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
  lie: Lie | null;
};

/** What an endpoint shows instead. Who holds no log yet is told the truth about the roster. */
export type Lie = (truth: View, asker: { readonly holdsLog: boolean }) => View;

export type Chain = {
  /** One a site. */
  readonly endpoints: readonly Endpoint[];
  /** While halted, nothing is mined. */
  halt(halted: boolean): void;
  /** Through the endpoint at `site`, or past them all; lost when that is away. */
  send(site: number | null, transaction: Transaction): void;
  /** What the endpoint at `site` shows; null when it is away. */
  read(site: number, asker: { readonly holdsLog: boolean }): View | null;
  mine(): void;
  /**
   * Drops up to `depth` blocks after the one that began term 1, and for good each of their
   * transactions with probability `lost`; the others wait again.
   */
  reorganise(depth: number, lost: number): void;
  head(): Ledger;
};

type Block = {
  readonly number: number;
  /** Number of the block that began the present term. */
  readonly termSince: number;
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
  readonly siteCount: number;
  /** Blocks after which a term counts as settled, the one that began it included. */
  readonly confirmations: number;
  /** Whether the fault model has room for this roster: what would change it otherwise waits. */
  readonly allows: (roster: Roster) => boolean;
}): Chain {
  const { genesis, random, nowMs, note, siteCount, confirmations, allows } = options;
  const endpoints = Array.from({ length: siteCount }, (): Endpoint => {
    return { away: false, lagBlocks: 0, lie: null };
  });
  const first = { number: 0, termSince: 0, ledger: genesis, transactions: [] };
  let blocks: Block[] = [{ ...first, view: viewOf(genesis, confirmations === 1) }];
  let waiting: Transaction[] = [];
  let halted = false;
  const newest = () => blocks.at(-1) as Block;
  const head = () => newest().ledger;

  function mine(): void {
    if (halted) return;
    const before = newest();
    let { ledger } = before;
    const mined: Transaction[] = [];
    const late: Transaction[] = [];
    for (const transaction of waiting) {
      const after = transaction.call(ledger, nowMs());
      if (after !== null && after.roster !== ledger.roster && !allows(after.roster)) {
        late.push(transaction);
        continue;
      }
      note(() => `chain: ${transaction.name} ${after === null ? "reverts" : "is mined"}`);
      if (after === null) continue;
      ledger = after;
      mined.push(transaction);
    }
    waiting = late;
    blocks.push(blockAfter(before, { ledger, transactions: mined, confirmations }));
    if (blocks.length > blocksKept) blocks = blocks.slice(-blocksKept);
    for (const { onMined } of mined) onMined?.();
  }

  function reorganise(depth: number, lost: number): void {
    const firstOfTerms = blocks.findIndex(({ ledger }) => ledger.term > 0);
    const kept = Math.max(blocks.length - depth, firstOfTerms + 1);
    const again = blocks[kept - 1]?.ledger.roster;
    if (firstOfTerms < 0 || kept >= blocks.length || again === undefined) return;
    if (again !== head().roster && !allows(again)) return;
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
    send(site, transaction) {
      if (site !== null && endpoints[site]?.away) return;
      waiting.push(transaction);
    },
    read(site, asker) {
      const endpoint = endpoints[site];
      if (endpoint === undefined || endpoint.away) return null;
      const at = Math.max(blocks.length - 1 - endpoint.lagBlocks, 0);
      const { view } = blocks[at] as Block;
      return endpoint.lie === null ? view : endpoint.lie(view, asker);
    },
    mine,
    reorganise,
    head,
  };
}

function blockAfter(
  before: Block,
  {
    ledger,
    transactions,
    confirmations,
  }: Pick<Block, "ledger" | "transactions"> & { readonly confirmations: number },
): Block {
  const number = before.number + 1;
  const termSince = ledger.term === before.ledger.term ? before.termSince : number;
  const settled = number - termSince >= confirmations - 1;
  const isSame = ledger === before.ledger && settled === before.view.settled;
  const view = isSame ? before.view : viewOf(ledger, settled);
  return { number, termSince, ledger, view, transactions };
}
