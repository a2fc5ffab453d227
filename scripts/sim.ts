/**
 * Explores the deterministic simulation, or replays one seed of it.
 *
 *     npm run sim -- --seed 42           replays one seed; shrinks it when it fails
 *     npm run sim -- --seed 42 --trace   the same, with every line of its trace
 *     npm run sim -- --minutes 10        new seeds on all processors, from --from on
 *     npm run sim -- --rules             what breaks without each rule; writes the README's table
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { reportFailure } from "../test/simulation/report.ts";
import { createAttempt } from "../test/simulation/rules/attempts.ts";
import { rules } from "../test/simulation/rules/rules.ts";
import { tableOf, withTable } from "../test/simulation/rules/table.ts";
import { drawScenario } from "../test/simulation/scenario.ts";
import { simulate } from "../test/simulation/simulate.ts";
import { runSeeds } from "../test/simulation/workers/crew.ts";
import { describeTotals } from "../test/simulation/workers/totals.ts";

type Options = {
  readonly seed?: number;
  readonly minutes: number;
  readonly from?: number;
  readonly failures: number;
  readonly trace?: true;
  readonly rules?: true;
};

async function main(): Promise<void> {
  const options = new Command("sim")
    .description("whole clusters on simulated time, network, disks, chain and hosts")
    .option("--seed <n>", "replay this seed", wholeNumber)
    .option("--trace", "with --seed: print the whole trace")
    .option("--rules", "switch off each rule of the protocol until an invariant breaks")
    .option("--minutes <n>", "explore for so long", positive, 1)
    .option("--from <n>", "first seed to explore (default: by the clock)", wholeNumber)
    .option("--failures <n>", "stop exploring after so many failures", wholeNumber, 1)
    .parse()
    .opts<Options>();
  process.exitCode = (await run(options)) ? 1 : 0;
}

/** @returns whether anything failed */
async function run(options: Options): Promise<boolean> {
  if (options.rules) return tabulateRules();
  return options.seed === undefined ? explore(options) : replay(options.seed, options);
}

async function tabulateRules(): Promise<boolean> {
  const findings = await Promise.all(rules.map(createAttempt()));
  const table = tableOf(rules, findings);
  const readme = new URL("../test/simulation/README.md", import.meta.url);
  writeFileSync(readme, withTable(readFileSync(readme, "utf8"), table));
  console.log(table);
  return findings.includes(null);
}

function replay(seed: number, { trace }: Options): boolean {
  const scenario = drawScenario(seed);
  const outcome = simulate(scenario, trace);
  for (const line of outcome.trace) console.log(line);
  console.log(`seed ${seed}: ${JSON.stringify({ ...outcome, trace: undefined })}`);
  if (outcome.violation === null) return false;
  console.log(reportFailure(scenario));
  return true;
}

async function explore({ minutes, from, failures }: Options): Promise<boolean> {
  const startedMs = Date.now();
  const first = from ?? startedMs % 1_000_000_000;
  let failed = 0;
  const totals = await runSeeds({ first, last: null }, ({ seed, violation }) => {
    if (violation !== null) {
      failed += 1;
      console.log(reportFailure(drawScenario(seed)));
    }
    return failed < failures && Date.now() - startedMs < minutes * 60_000;
  });
  console.log(`from ${first}: ${describeTotals(totals)}`);
  return failed > 0;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError(`expected a whole number, got "${text}".`);
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError(`expected a positive number, got "${text}".`);
}

await main();
