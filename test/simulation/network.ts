/**
 * The network between processes: delay, loss, duplication, reordering, cuts.
 *
 * A member's address may lead each sender to another process of that member (hosts route as they
 * like); the door of the real channel tells boots apart, so a message meant for one boot never
 * reaches another. In `ordered` mode a channel keeps order, as TCP does; the protocol must be safe
 * without.
 */
import type { Random } from "./random.ts";

export type NetworkSettings = {
  readonly delayMs: number;
  /** Mean of what is added to `delayMs`, exponentially distributed. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
  readonly ordered: boolean;
};

/** Slots, and the channel between two processes; a client's slot is -1. */
export type Path = { readonly from: number; readonly to: number; readonly key: string };

export type Network = {
  /** Calls `deliver` once, twice or never. */
  carry(path: Path, deliver: () => void): void;
  /** Calls `deliver` once or never: for requests and answers, which their channel tells apart. */
  carryOnce(path: Path, deliver: () => void): void;
  isCut(from: number, to: number): boolean;
  /** Cuts one direction; the returned function mends it. Cuts add up. */
  cut(from: number, to: number): () => void;
  /** Adds to the loss; the returned function takes it back. */
  worsen(loss: number): () => void;
  /** From now on: no cuts, no loss, no duplication. */
  heal(): void;
};

export function createNetwork(options: {
  readonly settings: NetworkSettings;
  readonly random: Random;
  readonly nowMs: () => number;
  readonly after: (delayMs: number, run: () => void) => void;
}): Network {
  const { random, nowMs, after } = options;
  let { settings } = options;
  let extraLoss = 0;
  let healed = false;
  const cuts = new Map<number, number>();
  const lastMs = new Map<string, number>();
  const pair = (from: number, to: number) => from * 64 + to;

  function delay(key: string): number {
    const jitter = -Math.log(1 - random.float()) * settings.jitterMs;
    const delayMs = settings.delayMs + jitter;
    if (!settings.ordered) return delayMs;
    const atMs = Math.max(nowMs() + delayMs, lastMs.get(key) ?? 0);
    lastMs.set(key, atMs);
    return atMs - nowMs();
  }

  const isCut = (from: number, to: number) => (cuts.get(pair(from, to)) ?? 0) > 0;

  function carryOnce({ from, to, key }: Path, deliver: () => void): boolean {
    if (isCut(from, to) || random.chance(settings.loss + extraLoss)) return false;
    after(delay(key), deliver);
    return true;
  }

  return {
    isCut,
    carry(path, deliver) {
      if (!carryOnce(path, deliver)) return;
      if (random.chance(settings.duplication)) after(delay(path.key), deliver);
    },
    carryOnce,
    cut(from, to) {
      if (healed) return () => {};
      const key = pair(from, to);
      cuts.set(key, (cuts.get(key) ?? 0) + 1);
      return () => {
        if (!healed) cuts.set(key, (cuts.get(key) ?? 0) - 1);
      };
    },
    worsen(loss) {
      extraLoss += loss;
      return () => {
        if (!healed) extraLoss -= loss;
      };
    },
    heal() {
      healed = true;
      cuts.clear();
      extraLoss = 0;
      settings = { ...settings, loss: 0, duplication: 0 };
    },
  };
}
