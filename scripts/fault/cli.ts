/** The commands and options of `npm run fault`. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { wholeNumber } from "../cluster/wholeNumber.ts";
import type { Action, NodeAct, Target } from "./action.ts";
import { targetOf } from "./targets.ts";

export type FaultOptions = {
  readonly action: Action;
  readonly dataDir: string;
  readonly wait: boolean;
  /** Seconds. */
  readonly timeout: number;
};

const timeoutSecondsMax = 3_600;
const blocksMax = 200;
const blockTimeSecondsMax = 3_600;

const nodeActs: readonly (readonly [act: NodeAct, about: string])[] = [
  ["kill", "end it by SIGKILL; it stays down until it is restarted"],
  ["pause", "stop it by SIGSTOP, as a machine that stands still"],
  ["resume", "let it go on by SIGCONT (default: all that are paused)"],
  ["restart", "kill it if it runs, and start it on the same disk"],
  ["wipe", "restart it with an empty disk"],
  ["save", "keep a copy of its disk, for a rollback later"],
  ["rollback", "restart it with the copy that was saved"],
  ["partition", "cut these off from the others (needs a start with --faults)"],
];

const notes = `
A target is leader, follower, a number such as 2, or all; several may be named.
Each command prints the cluster before and after, once the cluster has come to terms with it.

Examples:
  npm run fault -- status                   how the cluster is
  npm run fault -- kill leader              another node takes over
  npm run fault -- heal                     all is as it should be again
  npm run fault -- pause 2                  node2 stands still
  npm run fault -- resume                   and goes on
  npm run fault -- save 3                   keep node3's disk, let it go on,
  npm run fault -- rollback 3               and put it back to that moment
  npm run fault -- handover 2               node2 leads by the leader's own petition
  npm run fault -- partition leader         after \`npm start -- --faults\`
  npm run fault -- chain delay 12           a block every 12 s
  npm run fault -- chain reorg 3            other blocks in the place of the last three
  npm run fault -- agent stop 1             node1's guest agent is away

Exit code: 0 done, 1 refused, failed or no reaction in time, 2 wrong usage.
`;

type Decide = (action: Action) => void;

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseFaultOptions(args: readonly string[]): FaultOptions {
  let action: Action | null = null;
  const decide: Decide = (chosen) => {
    action = chosen;
  };
  const command = new Command("npm run fault --")
    .description("Breaks, by hand, one thing of a cluster that `npm start` runs.")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .addOption(new Option("--data-dir <dir>", "whose cluster").default(".cluster"))
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
  addChainCommands(command, decide);
  addOtherCommands(command, decide);
  command.parse(args, { from: "user" });
  if (action === null) throw command.error("error: expected a command; see --help");
  return { ...command.opts<Omit<FaultOptions, "action">>(), action };
}

function addNodeCommands(command: Command, decide: Decide): void {
  for (const [act, about] of nodeActs) {
    const mayBeNobody = act === "resume";
    command
      .command(act)
      .description(about)
      .addArgument(targetsArgument(mayBeNobody))
      .action((targets: readonly Target[]) => decide({ kind: "nodes", act, targets }));
  }
}

function targetsArgument(optional: boolean): Argument {
  // commander hands over what it has so far: its own default, nothing, at the first word.
  const collect = (text: string, earlier: readonly Target[] | undefined) => [
    ...(earlier ?? []),
    targetOf(text),
  ];
  return new Argument(optional ? "[targets...]" : "<targets...>").argParser(collect);
}

function addChainCommands(command: Command, decide: Decide): void {
  const chain = command.command("chain").description("the chain").helpCommand(false);
  chain
    .command("stop")
    .description("it answers nobody; its state stays")
    .action(() => decide({ kind: "chain", act: "stop" }));
  chain
    .command("start")
    .description("it goes on from there")
    .action(() => decide({ kind: "chain", act: "start" }));
  chain
    .command("delay")
    .description("a block every so many seconds; 0: one per transaction, at once")
    .argument("<seconds>", "the time", (text) => wholeNumber(text, 0, blockTimeSecondsMax))
    .action((seconds: number) =>
      decide({ kind: "block-time", seconds: seconds === 0 ? null : seconds }),
    );
  for (const [how, about] of [
    ["reorg", "put empty blocks in the place of the last ones"],
    ["rollback", "take the last blocks back"],
  ] as const) {
    chain
      .command(how)
      .description(`${about}; never those that made the members, nor a cold start`)
      .argument("<blocks>", "how many", (text) => wholeNumber(text, 1, blocksMax))
      .action((blocks: number) => decide({ kind: "take-back", how, blocks }));
  }
}

function addOtherCommands(command: Command, decide: Decide): void {
  const agent = command.command("agent").description("the guest agents").helpCommand(false);
  agent
    .command("stop")
    .description("their process is killed, or only these nodes' sockets are away")
    .addArgument(targetsArgument(true))
    .action((targets: readonly Target[] | undefined) =>
      decide({ kind: "stop-agents", targets: targets ?? [] }),
    );
  agent
    .command("start")
    .description("all are there again")
    .action(() => decide({ kind: "start-agents" }));
  command
    .command("handover")
    .description("the leader names this node the next leader, on the chain")
    .argument("<target>", "a follower", oneTarget)
    .action((to: Target) => decide({ kind: "handover", to }));
  command
    .command("heal")
    .description("undo all: links, pauses, nodes that are down, chain, guest agents")
    .action(() => decide({ kind: "heal" }));
  command
    .command("status")
    .description("break nothing")
    .action(() => decide({ kind: "status" }));
}

function oneTarget(text: string): Target {
  const target = targetOf(text);
  if (target !== "all") return target;
  throw new InvalidArgumentError("Expected one node: follower, or a number.");
}
