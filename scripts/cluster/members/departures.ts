/** Departures under way. Each goes on by itself, whoever has stopped waiting for it. */
import type { Context } from "../context.ts";
import { reasonOf } from "../failure.ts";
import { linesAbout } from "./change.ts";
import { depart } from "./departure.ts";

export type Departure = {
  /** Rejects when the operator cannot ask for it, or the cluster stops first. */
  readonly done: Promise<void>;
  /** What was said last; empty at first. */
  lastText(): string;
  /** Passes on each line from now on. Returns what ends that. */
  follow(tell: (line: string) => void): () => void;
};

export type Departures = {
  /** Begins the node's departure, or finds the one under way. */
  of(number: number, wallet: string): Departure;
  isUnderWay(number: number): boolean;
};

export function createDepartures(context: Context, signal: AbortSignal): Departures {
  const underWay = new Map<number, Departure>();

  function begin(number: number, wallet: string): Departure {
    const followers = new Set<(line: string) => void>();
    let last = "";
    const tellAll = linesAbout(number, (line) => {
      context.report(line);
      for (const tell of followers) tell(line);
    });
    const say = (text: string) => {
      last = text;
      tellAll(text);
    };
    const done = depart({ context, number, say, signal }, wallet).finally(() =>
      underWay.delete(number),
    );
    done.catch((error: unknown) => {
      if (!signal.aborted) say(`stays: ${reasonOf(error)}`);
    });
    return {
      done,
      lastText: () => last,
      follow(tell) {
        followers.add(tell);
        return () => followers.delete(tell);
      },
    };
  }

  return {
    of(number, wallet) {
      const found = underWay.get(number) ?? begin(number, wallet);
      underWay.set(number, found);
      return found;
    },
    isUnderWay: (number) => underWay.has(number),
  };
}
