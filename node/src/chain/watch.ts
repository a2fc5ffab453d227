/** Keeps reading the contract, so that the node learns of new terms and members. */
import type { Chain, ChainView } from "../runtime/ports.ts";
import { ChainError } from "./errors.ts";

export type Watch = {
  /** Reads at once; a read under way does not count, it may have begun too early. */
  refresh(): void;
  /** Resolves when the signal has ended the watch. */
  readonly ended: Promise<void>;
};

const pauseMsMax = 5_000;

/**
 * Reads every `pollMs`; while reads fail, in pauses that double up to 5 s. It never gives up.
 *
 * @param options.onView every successful read; the very same object while the block is the same
 * @param options.onError every failed read; the last view stays in force
 */
export function watchChain(options: {
  readonly chain: Pick<Chain, "read">;
  readonly pollMs: number;
  readonly onView: (view: ChainView) => void;
  readonly onError: (error: ChainError) => void;
  readonly signal: AbortSignal;
}): Watch {
  const { chain, pollMs, onView, onError, signal } = options;
  let pauseMs = pollMs;
  let refreshWanted = false;
  let wake: () => void = () => undefined;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      refreshWanted = false;
      const outcome = await readOnce();
      if (signal.aborted) return;
      pauseMs = nextPause(outcome);
      if (outcome instanceof ChainError) onError(outcome);
      else onView(outcome);
      if (!refreshWanted) await untilDue();
    }
  }

  async function readOnce(): Promise<ChainView | ChainError> {
    try {
      return await chain.read();
    } catch (error) {
      if (error instanceof ChainError) return error;
      throw error;
    }
  }

  function nextPause(outcome: ChainView | ChainError): number {
    const away = outcome instanceof ChainError && outcome.fault.code === "chain.unreachable";
    return away ? Math.min(pauseMs * 2, Math.max(pauseMsMax, pollMs)) : pollMs;
  }

  function untilDue(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function refresh(): void {
    refreshWanted = true;
    wake();
  }

  signal.addEventListener("abort", () => wake(), { once: true });
  return { refresh, ended: run() };
}
