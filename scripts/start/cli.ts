/** The options of `npm start`, their defaults, and what is wrong with a value. */
import { Command, Option } from "commander";
import type { Wishes } from "../cluster/plan.ts";
import { basePortMax, nodeCountMax } from "../cluster/ports.ts";
import { wholeNumber } from "../cluster/wholeNumber.ts";

export type StartOptions = Wishes & {
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly detach: boolean;
  /** Proxies in the nodes' path and clocks that can be set, for `npm run fault`. */
  readonly faults: boolean;
  /** Set by `--detach` for the process that stays behind. */
  readonly inBackground: boolean;
};

type Parsed = {
  readonly nodes?: number;
  readonly basePort?: number;
  readonly blockTime?: number;
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly detach: boolean;
  readonly faults: boolean;
  readonly inBackground: boolean;
};

const blockTimeSecondsMax = 3_600;

/**
 * Reads the arguments after the script's own name.
 *
 * @throws CommanderError, printed already; of exit code 0 for `--help`
 */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const command = new Command("npm start --")
    .description("Starts a whole cluster on this machine: chain, guest agents, contract, nodes.")
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride();
  const options = [
    new Option(
      "--nodes <count>",
      `how many, 1 to ${nodeCountMax} (default: as before, else 3)`,
    ).argParser((text) => wholeNumber(text, 1, nodeCountMax)),
    new Option(
      "--base-port <port>",
      "of node1; others follow (default: as before, else 8081)",
    ).argParser((text) => wholeNumber(text, 1_024, basePortMax)),
    new Option("--data-dir <dir>", "where the cluster keeps its data").default(".cluster"),
    new Option("--fresh", "throw the data away and start over").default(false),
    new Option("--detach", "leave it running in the background; `npm run stop` ends it").default(
      false,
    ),
    new Option(
      "--block-time <seconds>",
      "a block every so often (default: one per transaction)",
    ).argParser((text) => wholeNumber(text, 1, blockTimeSecondsMax)),
    new Option(
      "--faults",
      "`npm run fault` can also cut, slow, clone, lie to and set the clocks of nodes",
    ).default(false),
    new Option("--in-background").default(false).hideHelp(),
  ];
  for (const option of options) command.addOption(option);
  command.parse(args, { from: "user" });
  const { nodes: nodeCount, blockTime: blockTimeSeconds, ...rest } = command.opts<Parsed>();
  return { ...rest, nodeCount, blockTimeSeconds };
}
