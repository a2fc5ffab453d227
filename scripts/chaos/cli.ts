/** The options of `npm run chaos`. */
import { Command, InvalidArgumentError, Option } from "commander";
import { basePortMax } from "../cluster/ports.ts";
import { wholeNumber } from "../cluster/wholeNumber.ts";
import { containersLack } from "./docker/lacks.ts";
import { allFaults } from "./faults/all.ts";
import type { Fault } from "./faults/fault.ts";

export type ChaosOptions = {
  /** Containers in place of processes. */
  readonly docker: boolean;
  readonly nodes: number;
  readonly clients: number;
  readonly seconds: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly each: boolean;
  /** Milliseconds between a client's operations, on average. */
  readonly pause: number;
  readonly out: string;
  /** `undefined`: a free block of ports is found. */
  readonly basePort?: number;
  readonly keepDisks: boolean;
  /** Prints the schedule and starts nothing. */
  readonly dryRun: boolean;
};

const bearableFaults = allFaults.filter(({ beyond }) => beyond !== true);
const seedMax = 2 ** 32 - 1;
const examples = `
Examples:
  npm run chaos                                 three nodes, a minute, a seed by the clock
  npm run chaos -- --nodes 5 --seconds 300      more of both
  npm run chaos -- --seed 42                    the schedule of seed 42 again
  npm run chaos -- --seed 42 --dry-run          what that schedule is
  npm run chaos -- --faults isolate,bridge      those faults only
  npm run chaos -- --each                       each fault once, however long that takes
  npm run chaos -- --docker                     containers, by Docker Engine 25 and Compose 2.24

Exit code: 0 all checks passed, 1 a violation or the cluster did not start, 2 wrong usage.
`;

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseChaosOptions(args: readonly string[], clockSeed: number): ChaosOptions {
  const command = new Command("npm run chaos --")
    .description(
      "Breaks a running cluster in every way it should bear, and checks that clients saw one copy.",
    )
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride()
    .addHelpText("after", `\nFaults:\n${faultList()}\n${examples}`);
  const options = [
    new Option("--docker", "a cluster of containers in place of processes").default(false),
    new Option("--nodes <count>", "members of the cluster, 3 to 9")
      .argParser((text) => wholeNumber(text, 3, 9))
      .default(3),
    new Option("--clients <count>", "concurrent clients")
      .argParser((text) => wholeNumber(text, 1, 256))
      .default(8),
    new Option("--seconds <count>", "how long clients and faults go on")
      .argParser((text) => wholeNumber(text, 5, 86_400))
      .default(60),
    new Option("--seed <number>", "draws the schedule and what clients do")
      .argParser(seed)
      .default(clockSeed, "by the clock"),
    new Option("--faults <names>", "only these, separated by commas")
      .argParser(namedFaults)
      .default(bearableFaults, "all but those beyond the fault model"),
    new Option("--beyond", "those beyond the fault model too; losses are to be expected").default(
      false,
    ),
    new Option("--each", "each fault once, short, however long that takes").default(false),
    new Option("--pause <ms>", "between a client's operations, on average")
      .argParser((text) => wholeNumber(text, 0, 10_000))
      .default(20),
    new Option("--out <dir>", "where each run gets a folder of its own").default(".chaos"),
    new Option("--base-port <port>", "of node1; others follow (default: free ones)").argParser(
      (text) => wholeNumber(text, 1_024, basePortMax),
    ),
    new Option("--keep-disks", "keep the nodes' disks, as after a violation").default(false),
    new Option("--dry-run", "print the schedule, start nothing").default(false),
  ];
  for (const option of options) command.addOption(option);
  command.parse(args, { from: "user" });
  const { beyond, ...parsed } = command.opts<ChaosOptions & { readonly beyond: boolean }>();
  const further = beyond ? allFaults.filter((fault) => fault.beyond === true) : [];
  return { ...parsed, faults: [...new Set([...parsed.faults, ...further])] };
}

function seed(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= seedMax) return value;
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${seedMax}.`);
}

function namedFaults(text: string): readonly Fault[] {
  return text.split(",").map((name) => {
    const fault = allFaults.find((each) => each.name === name.trim());
    if (fault !== undefined) return fault;
    const names = allFaults.map((each) => each.name).join(", ");
    throw new InvalidArgumentError(`There is no fault "${name}"; expected some of ${names}.`);
  });
}

function faultList(): string {
  return allFaults
    .map(({ name, about, beyond, needs }) => {
      const remark = beyond === true ? " (beyond the fault model)" : "";
      const limit = needs.some((ability) => containersLack.has(ability)) ? " (not --docker)" : "";
      return `  ${name.padEnd(16)} ${about}${remark}${limit}`;
    })
    .join("\n");
}
