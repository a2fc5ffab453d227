/** The options of `npm run soak`. */
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { nodeCountMax } from "../cluster/ports.ts";
import { projectRoot } from "../cluster/programs.ts";
import { wholeNumber } from "../cluster/wholeNumber.ts";

export type SoakOptions = {
  readonly hours: number;
  readonly nodes: number;
  readonly clients: number;
  /** Seconds. */
  readonly sampleEvery: number;
  /** Minutes from one restart to the next, of one node after another; null: none. */
  readonly restarts: number | null;
  readonly out: string;
  readonly basePort?: number;
};

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseSoakOptions(args: readonly string[], startedAt: Date): SoakOptions {
  const name = startedAt.toISOString().replaceAll(":", "-");
  const command = new Command("npm run soak --")
    .description("Runs a cluster under a steady load and looks for what grows. Ctrl-C ends early.")
    .allowExcessArguments(false)
    .exitOverride();
  const options = [
    new Option("--hours <hours>", "how long, such as 0.5 or 24")
      .argParser((text) => positive(text, 10_000))
      .default(1),
    new Option("--nodes <count>", `members, 1 to ${nodeCountMax}`)
      .argParser((text) => wholeNumber(text, 1, nodeCountMax))
      .default(3),
    new Option("--clients <count>", "each writes some 20 times a second, and reads now and then")
      .argParser((text) => wholeNumber(text, 1, 256))
      .default(8),
    new Option("--sample-every <seconds>", "of every node")
      .argParser((text) => positive(text, 3_600))
      .default(10),
    new Option("--restarts [minutes]", "restart one node after another, so far apart")
      .argParser((text) => positive(text, 10_000))
      .preset("10")
      .default(null),
    new Option("--base-port <port>", "of node1 (default: free ones)").argParser((text) =>
      wholeNumber(text, 1_024, 65_000),
    ),
    new Option("--out <dir>", "for the samples").default(join(projectRoot, ".soak", name)),
  ];
  for (const option of options) command.addOption(option);
  command.parse(args, { from: "user" });
  return command.opts<SoakOptions>();
}

function positive(text: string, max: number): number {
  const value = /^\d{1,5}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= max) return value;
  throw new InvalidArgumentError(`Expected a number above 0, up to ${max}.`);
}
