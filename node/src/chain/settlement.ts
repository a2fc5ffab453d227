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

export type IsSettled = (snapshot: Snapshot) => Promise<boolean>;

/**
 * The result asks whether the contract showed the snapshot's term `confirmations - 1` blocks before
 * it already. It never fails: a term that nobody can tell about is not settled.
 *
 * This is a question of its own, about one block that it names, and not part of what each endpoint
 * says of its newest block: there, two honest endpoints one block apart would contradict each other.
 */
export function settlement(options: SettlementOptions): IsSettled {
  const { confirmations, readerOf, log } = options;
  const unable = new Set<string>();
  let last: { blockHash: string; key: string; settled: Promise<boolean> } | null = null;

  function isSettled({ shown, parentHash }: Snapshot): Promise<boolean> {
    const { view, block } = shown;
    const key = termKey(view);
    if (last?.blockHash === block.hash && last.key === key) return last.settled;
    const before = block.number - BigInt(confirmations - 1);
    const settled = decide(key, parentHash, () => wasShown(key, before));
    last = { blockHash: block.hash, key, settled };
    return settled;
  }

  /** What is known of the block before saves the question; any other block may be another branch. */
  function decide(key: string, parentHash: string, ask: () => Promise<boolean>): Promise<boolean> {
    if (confirmations === 1) return Promise.resolve(true);
    if (last?.blockHash !== parentHash) return ask();
    if (last.key !== key) return Promise.resolve(false); // the term began with this very block
    return last.settled.then((already) => already || ask());
  }

  async function wasShown(key: string, number: bigint): Promise<boolean> {
    if (number < 0n) return false;
    try {
      return await agree(options.endpoints, options.quorum, {
        ask: async (endpoint) => (await termAt(endpoint, number)) === key,
        keyOf: String,
      });
    } catch (error) {
      if (error instanceof ChainError) return false;
      throw error;
    }
  }

  async function termAt(endpoint: Endpoint, number: bigint): Promise<string | null> {
    try {
      const found = await readerOf(endpoint).termAt(number);
      unable.delete(endpoint.name);
      return found;
    } catch (error) {
      if (error instanceof RpcRefusal) noteUnable(endpoint, error.message);
      throw error;
    }
  }

  function noteUnable({ name }: Endpoint, reason: string): void {
    if (unable.has(name)) return;
    unable.add(name);
    const sentence = "the endpoint cannot say what the contract showed some blocks ago";
    log.warn({ endpoint: name, reason, confirmations }, sentence);
  }

  return isSettled;
}
