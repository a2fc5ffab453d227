/** A failure in words: what broke, how to see it again, and how it came about. */
import { describeFault } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

const linesMax = 200;

/** Shrinks the failing scenario first; see README.md for how to read the trace. */
export function reportFailure(scenario: Scenario): string {
  const shrunk = shrink(scenario);
  if (shrunk === null) return `seed ${scenario.seed} does not fail`;
  const { outcome, runs } = shrunk;
  const { faults, faultsMs, clientCount, network, memberCount } = shrunk.scenario;
  const { trace, violation } = outcome;
  const cut = Math.max(trace.length - linesMax, 0);
  return [
    `seed ${scenario.seed}: ${violation?.detail}`,
    `replay: npm run sim -- --seed ${scenario.seed}`,
    `shrunk in ${runs} runs to ${faults.length} of ${scenario.faults.length} faults, ` +
      `${memberCount} members, ${clientCount} clients, ${Math.round(faultsMs)} ms, ` +
      JSON.stringify(network),
    ...faults.map((fault) => `  ${describeFault(fault)}`),
    ...(cut > 0 ? [`(${cut} lines before)`] : []),
    ...trace.slice(cut),
  ].join("\n");
}
