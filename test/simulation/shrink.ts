/** Makes a failing scenario smaller: leaves faults out while the same invariant still breaks. */
import type { Scenario } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";

export type Shrunk = {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  /** Runs that it took. */
  readonly runs: number;
};

/**
 * Bounded effort: at most `runsMax` runs. First ever smaller chunks of the faults go (Zeller's
 * delta debugging), then the time after the last of them, then clients.
 *
 * @returns the smallest failing scenario found, with its trace; null when `scenario` does not fail
 */
export function shrink(scenario: Scenario, runsMax = 150): Shrunk | null {
  const found = simulate(scenario).violation;
  if (found === null) return null;
  let best = scenario;
  let runs = 1;

  function accept(candidate: Scenario): boolean {
    if (runs >= runsMax) return false;
    runs += 1;
    if (simulate(candidate).violation?.invariant !== found?.invariant) return false;
    best = candidate;
    return true;
  }

  for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.faults.length; ) {
      const faults = best.faults.toSpliced(at, size);
      if (!accept({ ...best, faults })) at += size;
    }
  }
  const lastMs = best.faults.at(-1)?.atMs ?? 0;
  for (const share of [0, 0.1, 0.3]) {
    const faultsMs = lastMs + (best.faultsMs - lastMs) * share;
    if (accept({ ...best, faultsMs })) break;
  }
  while (best.clientCount > 1 && accept({ ...best, clientCount: best.clientCount - 1 })) {}
  const network = { ...best.network, loss: 0, duplication: 0, ordered: true };
  accept({ ...best, network });
  return { scenario: best, outcome: simulate(best, true), runs };
}
