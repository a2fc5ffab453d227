/** What one worker is sent to do, and what it reports. */
import { drawScenario } from "../scenario.ts";
import { type Outcome, simulate } from "../simulate.ts";

export type Errand = {
  readonly from: number;
  /** Other workers take the seeds between. */
  readonly every: number;
  /** Null: seed after seed until it is ended. */
  readonly to: number | null;
};

export type Run = { readonly seed: number } & Omit<Outcome, "trace">;

export function* runErrand({ from, every, to }: Errand): Generator<Run> {
  for (let seed = from; to === null || seed <= to; seed += every) {
    const { trace: _, ...outcome } = simulate(drawScenario(seed));
    yield { seed, ...outcome };
  }
}
