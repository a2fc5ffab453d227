/**
 * Work that takes milliseconds: one piece of it a turn of the event loop.
 *
 * A page of the log is read and written out in one go. Many pages asked for at once would hold up
 * heartbeats, clients' calls and `/status` for as long as they take together.
 */
import { overloaded } from "../runtime/calls.ts";

/** @throws by its promise: CallError overloaded, when too much waits already; what `work` throws */
export type PerTurn = <Result>(work: () => Result) => Promise<Result>;

export function createPerTurn(waitingMax: number): PerTurn {
  const waiting: (() => void)[] = [];

  function turn(): void {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(turn);
  }

  return (work) => {
    if (waiting.length >= waitingMax) {
      return Promise.reject(overloaded(`${waitingMax} such requests are waiting already`));
    }
    return new Promise((resolve, reject) => {
      waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
      if (waiting.length === 1) setImmediate(turn);
    });
  };
}
