/** The command line of `npm run fault`. */
import { Command, Option } from "commander";
import { wholeNumber } from "../cluster/wholeNumber.ts";
import type { Action } from "./action.ts";
import {
  addChainCommands,
  addLeverCommands,
  addNodeCommands,
  addOtherCommands,
} from "./commands.ts";

export type FaultOptions = {
  readonly action: Action;
  readonly dataDir: string;
  /** Nobody has asked for that one. */
  readonly dataDirIsDefault: boolean;
  /** A compose project by its name; `null`: none was named. */
  readonly project: string | null;
  readonly wait: boolean;
  /** Seconds. */
  readonly timeout: number;
};

type Parsed = Pick<FaultOptions, "dataDir" | "wait" | "timeout"> & { readonly compose?: string };

const timeoutSecondsMax = 3_600;

const notes = `
A target is leader, follower, a number such as 2, or all; several may be named where it says so.
Each command prints the cluster before and after, once the cluster has come to terms with it.
Where nothing runs on .cluster, it is the compose project that \`docker compose up\` runs from here.

Examples:
  npm run fault -- status                   how the cluster is
  npm run fault -- kill leader              another node takes over
  npm run fault -- heal                     all is as it should be again
  npm run fault -- pause 2                  node2 stands still
  npm run fault -- resume                   and goes on
  npm run fault -- save 3                   keep node3's disk, let it go on,
  npm run fault -- rollback 3               and put it back to that moment
  npm run fault -- handover 2               node2 leads by the leader's own petition
  npm run fault -- chain delay 12           a block every 12 s
  npm run fault -- chain reorg 3            other blocks in the place of the last three
  npm run fault -- agent stop 1             node1's guest agent is away

After \`npm start -- --faults\`, on Linux:
  npm run fault -- partition leader         the others elect another one
  npm run fault -- partition 1 --one-way    node1 hears the others, and is not heard
  npm run fault -- slow 1 200               200 ms more each way; lossy 1 10: 10 % lost
  npm run fault -- clone 2                  a second node2, on a copy of its disk
  npm run fault -- clock leader -30m        its wall clock is half an hour behind
  npm run fault -- lies 2 leader            node2's RPC endpoint names another leader
  npm run fault -- rpc 2 hangs              or never answers

Exit code: 0 done, 1 refused, failed or no reaction in time, 2 wrong usage.
`;

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseFaultOptions(args: readonly string[]): FaultOptions {
  let action: Action | null = null;
  const decide = (chosen: Action) => {
    action = chosen;
  };
  const command = new Command("npm run fault --")
    .description("Breaks, by hand, one thing of a running cluster.")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .addOption(
      new Option("--data-dir <dir>", "whose cluster, of those of `npm start`").default(".cluster"),
    )
    .addOption(
      new Option("--compose <project>", "the one of `docker compose up`, by its name").conflicts(
        "dataDir",
      ),
    )
    .addOption(new Option("--no-wait", "do not wait until the cluster has reacted"))
    .addOption(
      new Option("--timeout <seconds>", "how long to wait for that")
        .argParser((text) => wholeNumber(text, 1, timeoutSecondsMax))
        .default(60),
    )
    .addHelpText("after", notes)
    .allowExcessArguments(false)
    .exitOverride();
  addNodeCommands(command, decide);
  addLeverCommands(command, decide);
  addChainCommands(command, decide);
  addOtherCommands(command, decide);
  command.parse(args, { from: "user" });
  if (action === null) throw command.error("error: expected a command; see --help");
  const { compose = null, ...rest } = command.opts<Parsed>();
  const dataDirIsDefault = command.getOptionValueSource("dataDir") === "default";
  return { ...rest, project: compose, dataDirIsDefault, action };
}
