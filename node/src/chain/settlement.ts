/**
 * Whether a term is settled: whether it has so many blocks that the chain is not expected to take
 * it back.
 */
import type { Log } from "../runtime/ports.ts";
import { agree } from "./agree.ts";
import { ChainError } from "./errors.ts";
import { type Endpoint, RpcRefusal } from "./rpc.ts";
import { type ContractReader, type Snapshot, termKey } from "./snapshot.ts";

export type SettlementOptions = {
  readonly endpoints: readonly Endpoint[];
  readonly quorum: number;
  readonly readerOf: (endpoint: Endpoint) => ContractReader;
  /** Blocks that a term must have, its own included; with 1, every term is settled at once. */
  readonly confirmations: number;
  readonly log: Log;
};

/** What an endpoint said of one block, and whether that settles the term that it showed. */
type Judged = { readonly snapshot: Snapshot; readonly settled: Promise<boolean> };

/**
 * The result tells whether a quorum of the endpoints say of the term named by a `termKey` that the
 * contract showed it `confirmations - 1` blocks ago already. It never fails: a term that too few can
 * tell about is not settled.
 *
 * Each endpoint is asked from its own newest block, which others need not share, so this is no part
 * of what must be equal for a view to count: there, two honest endpoints one block apart would
 * contradict each other whenever a term becomes settled.
 */
export function settlement(options: SettlementOptions): (key: string) => Promise<boolean> {
  const { endpoints, quorum, readerOf, confirmations } = options;
  const noteUnable = unableEndpoints(options);
  const judged = new Map<Endpoint, Judged>();

  async function isSettled(key: string): Promise<boolean> {
    if (confirmations === 1) return true;
    const showing = new Map<Endpoint, Snapshot>();
    for (const endpoint of endpoints) {
      const latest = readerOf(endpoint).latest();
      if (latest !== null && termKey(latest.shown.view) === key) showing.set(endpoint, latest);
    }
    // Reads may overlap, so that an endpoint shows another term by now.
    if (showing.size < quorum) return false;
    try {
      return await agree([...showing.keys()], quorum, {
        ask: async (endpoint) => {
          const latest = showing.get(endpoint);
          return latest !== undefined && (await judge(endpoint, latest));
        },
        keyOf: String,
      });
    } catch (error) {
      if (error instanceof ChainError) return false;
      throw error;
    }
  }

  function judge(endpoint: Endpoint, snapshot: Snapshot): Promise<boolean> {
    const before = judged.get(endpoint);
    if (before?.snapshot === snapshot) return before.settled;
    const settled = decide(before, snapshot, () => wasShown(endpoint, snapshot));
    judged.set(endpoint, { snapshot, settled });
    return settled;
  }

  async function wasShown(endpoint: Endpoint, { shown }: Snapshot): Promise<boolean> {
    const number = shown.block.number - BigInt(confirmations - 1);
    if (number < 0n) return false;
    try {
      const key = await readerOf(endpoint).termAt(number);
      noteUnable(endpoint, null);
      return key === termKey(shown.view);
    } catch (error) {
      if (error instanceof RpcRefusal) noteUnable(endpoint, error.message);
      throw error;
    }
  }

  return isSettled;
}

/** What is known of the block before saves the question; any other block may be another branch. */
function decide(
  before: Judged | undefined,
  { shown, parentHash }: Snapshot,
  ask: () => Promise<boolean>,
): Promise<boolean> {
  if (before?.snapshot.shown.block.hash !== parentHash) return ask();
  const beganHere = termKey(before.snapshot.shown.view) !== termKey(shown.view);
  if (beganHere) return Promise.resolve(false);
  return before.settled.then(
    (already) => already || ask(),
    () => ask(),
  );
}

/** The result is told why an endpoint cannot answer for old blocks, or null; says it once. */
function unableEndpoints({ log, confirmations }: SettlementOptions) {
  const unable = new Set<Endpoint>();
  return (endpoint: Endpoint, reason: string | null): void => {
    if (reason === null) {
      unable.delete(endpoint);
      return;
    }
    if (unable.has(endpoint)) return;
    unable.add(endpoint);
    const sentence = "the endpoint cannot say what the contract showed some blocks ago";
    log.warn({ endpoint: endpoint.name, reason, confirmations }, sentence);
  };
}
