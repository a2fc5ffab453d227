/** The options of `npm run bench`. */
import { Command, InvalidArgumentError, Option } from "commander";

export type BenchOptions = {
  /** Of each load. */
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly failovers: number;
  readonly vsEtcd: boolean;
  /** Instead of all else: how many times its capacity the cluster is offered; null: not at all. */
  readonly overload: number | null;
  /** Instead of all else: how often the leader is lost in each way; null: not at all. */
  readonly recovery: number | null;
};

const defaultConnections = [1, 16, 64, 256];

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const command = new Command("npm run bench --")
    .description("Measures a cluster of three on this machine: writes, reads, failover, memory.")
    .allowExcessArguments(false)
    .exitOverride();
  const options = [
    new Option("--seconds <count>", "of each load")
      .argParser((text) => wholeNumber(text, 1, 600))
      .default(10),
    new Option("--connections <list>", "keep-alive connections of the writes, one load for each")
      .argParser((text) => text.split(",").map((each) => wholeNumber(each, 1, 1_024)))
      .default(defaultConnections, defaultConnections.join(",")),
    new Option("--failovers <count>", "how often to kill the leader")
      .argParser((text) => wholeNumber(text, 0, 100))
      .default(5),
    new Option("--vs-etcd", "the same on three members of etcd, in turns").default(false),
    new Option("--overload [times]", "instead: offer several times what the cluster can do")
      .argParser((text) => wholeNumber(text, 2, 20))
      .preset("5")
      .default(null)
      .conflicts(["vsEtcd", "failovers", "connections", "recovery"]),
    new Option("--recovery [times]", "instead: lose the leader so often by kill, pause, partition")
      .argParser((text) => wholeNumber(text, 1, 100))
      .preset("5")
      .default(null)
      .conflicts(["failovers", "connections", "seconds"]),
  ];
  for (const option of options) command.addOption(option);
  command.parse(args, { from: "user" });
  return command.opts<BenchOptions>();
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected whole numbers from ${min} to ${max}.`);
}
