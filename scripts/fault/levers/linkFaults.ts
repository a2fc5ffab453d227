/** What is wrong with the links between nodes: of each way, what its two ends bring with them. */
import type { LinkState } from "../../chaos/net/link.ts";
import type { Mark } from "../../cluster/control/words.ts";
import { cutOffMark } from "../sight.ts";

const unheardMark: Mark = { text: "not heard", hampers: true };

export type LinkFaults = {
  /** Replaces an earlier partition. @param oneWay those cut off still hear the others */
  partition(numbers: readonly number[], oneWay: boolean): void;
  slow(numbers: readonly number[], delayMs: number): void;
  /** @param loss 0 to 1 */
  lossy(numbers: readonly number[], loss: number): void;
  mend(): void;
  between(from: number, to: number): Pick<LinkState, "cut" | "delayMs" | "loss">;
  marksOn(number: number): readonly Mark[];
};

const uncut = { numbers: [] as readonly number[], oneWay: false };

export function createLinkFaults(): LinkFaults {
  const delays = new Map<number, number>();
  const losses = new Map<number, number>();
  let cutOff = uncut;

  function isCut(from: number, to: number): boolean {
    const [there, back] = [cutOff.numbers.includes(from), cutOff.numbers.includes(to)];
    return there !== back && (there || !cutOff.oneWay);
  }

  return {
    partition(numbers, oneWay) {
      cutOff = { numbers, oneWay };
    },
    slow(numbers, delayMs) {
      for (const number of numbers) delays.set(number, delayMs);
    },
    lossy(numbers, loss) {
      for (const number of numbers) losses.set(number, loss);
    },
    mend() {
      cutOff = uncut;
      delays.clear();
      losses.clear();
    },
    between: (from, to) => ({
      cut: isCut(from, to),
      delayMs: greater(delays, from, to),
      loss: greater(losses, from, to),
    }),
    marksOn(number) {
      const [delayMs, loss] = [delays.get(number) ?? 0, losses.get(number) ?? 0];
      const isCutOff = cutOff.numbers.includes(number);
      return [
        ...(isCutOff ? [cutOff.oneWay ? unheardMark : cutOffMark] : []),
        ...(delayMs > 0 ? [{ text: `links ${delayMs} ms slower`, hampers: false }] : []),
        ...(loss > 0 ? [{ text: `links lose ${Math.round(loss * 100)} %`, hampers: false }] : []),
      ];
    },
  };
}

function greater(amounts: ReadonlyMap<number, number>, from: number, to: number): number {
  return Math.max(amounts.get(from) ?? 0, amounts.get(to) ?? 0);
}
