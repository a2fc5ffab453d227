/** Waiting for what is away: adapters try again with growing pauses until they succeed. */
import { setTimeout as pause } from "node:timers/promises";

export type Retry = {
  /** Ends the waiting: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every failure; throw from here to give up. */
  readonly onFailure: (error: unknown) => void;
  readonly firstPauseMs?: number;
  readonly pauseMsMax?: number;
};

/** Calls `attempt` until it succeeds. Pauses double from `firstPauseMs` to `pauseMsMax`. */
export async function retry<T>(attempt: () => Promise<T>, options: Retry): Promise<T> {
  const { signal, onFailure, firstPauseMs = 100, pauseMsMax = 5_000 } = options;
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      onFailure(error);
    }
    // An aborted pause rejects with an error of its own; the signal's reason says more.
    const pausing = pause(pauseMs, undefined, signal === undefined ? {} : { signal });
    await pausing.catch(() => signal?.throwIfAborted());
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
}
