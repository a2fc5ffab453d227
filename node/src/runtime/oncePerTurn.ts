/**
 * Work that callers of one turn of the event loop share.
 *
 * Invariant: it begins after every call that shares it. So what had happened before any of these
 * calls had happened before the work began, which is what a linearizable read needs of it.
 */
import { setImmediate as endOfTurn } from "node:timers/promises";

/** @returns begins `work` at the end of the turn, once for all who called in it */
export function oncePerTurn<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let shared: Promise<Result> | null = null;
  return () => {
    shared ??= endOfTurn().then(() => {
      shared = null;
      return work();
    });
    return shared;
  };
}
