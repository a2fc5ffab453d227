/** Calls that this node passed on to the leader, and whose answer it waits for. */
import type { BootKey } from "../consensus/ids.ts";
import { type Call, endReplaced } from "./calls.ts";
import type { Serving } from "./leading.ts";

export type PassedOn = {
  /**
   * Settles as `answer` does, which that leader was asked for.
   *
   * @throws CallError leader.lost, when another boot leads meanwhile
   */
  until<T>(leader: BootKey, answer: Promise<T>): Promise<T>;
  /** Ends calls that wait for a leader which was replaced. */
  sweep(serving: Serving | null): void;
};

export function createPassedOn(nowMs: () => number): PassedOn {
  let last = 0;
  const waiting = new Map<number, Call<never> & { readonly leader: BootKey }>();
  return {
    until(leader, answer) {
      last += 1;
      const number = last;
      return new Promise((resolve, reject) => {
        waiting.set(number, { leader, sinceMs: nowMs(), resolve, reject });
        answer.then(resolve, reject).finally(() => waiting.delete(number));
      });
    },
    sweep(serving) {
      if (serving === null) return;
      endReplaced(waiting, nowMs(), ({ leader }) => leader !== serving.bootKey);
    },
  };
}
