/** The commands of `npm run fault`, and the action that each asks for. */
import { Argument, type Command, InvalidArgumentError } from "commander";
import { linkDelayMsMax, type RpcBehaviour } from "../cluster/control/words.ts";
import { wholeNumber } from "../cluster/wholeNumber.ts";
import type { Action, LeverAct, NodeAct, Target } from "./action.ts";
import { readDuration } from "./duration.ts";
import { targetOf } from "./targets.ts";

type Decide = (action: Action) => void;

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
  ["clone", "a second process of it beside it, on a copy of its disk"],
];

export function addNodeCommands(command: Command, decide: Decide): void {
  for (const [act, about] of nodeActs) {
    const mayBeNobody = act === "resume";
    command
      .command(act)
      .description(about)
      .addArgument(targetsArgument(mayBeNobody))
      .action((targets: readonly Target[]) => decide({ kind: "nodes", act, targets }));
  }
}

export function addLeverCommands(command: Command, decide: Decide): void {
  const pull = (target: Target, act: LeverAct) => decide({ kind: "lever", act, targets: [target] });
  command
    .command("partition")
    .description("cut these off from the others")
    .addArgument(targetsArgument(false))
    .option("--one-way", "they still hear the others")
    .action((targets: readonly Target[], { oneWay = false }: { readonly oneWay?: boolean }) =>
      decide({ kind: "lever", act: { kind: "partition", oneWay }, targets }),
    );
  command
    .command("slow")
    .description("everything between it and the others takes so much longer; 0: no more")
    .argument("<target>", "a node", targetOf)
    .argument("<ms>", "each way", (text) => wholeNumber(text, 0, linkDelayMsMax))
    .action((target: Target, delayMs: number) => pull(target, { kind: "slow", delayMs }));
  command
    .command("lossy")
    .description("so many packets in a hundred between it and the others get lost; 0: no more")
    .argument("<target>", "a node", targetOf)
    .argument("<percent>", "each way", (text) => wholeNumber(text, 0, 100))
    .action((target: Target, lossPercent: number) => pull(target, { kind: "lossy", lossPercent }));
  command
    .command("clock")
    .description("set its wall clock wrong by so much; 0: right")
    .argument("<target>", "a node", targetOf)
    .argument("<offset>", "such as +1h, -30m, 90s or 2d", readDuration)
    // -30m is no option.
    .allowUnknownOption()
    .action((target: Target, offMs: number) => pull(target, { kind: "clock", offMs }));
  addRpcCommands(command, pull);
}

const lies = ["term", "leader", "roster"] as const;
const answers = ["true", "away", "hangs", "slow"] as const satisfies readonly RpcBehaviour[];

function addRpcCommands(command: Command, pull: (target: Target, act: LeverAct) => void): void {
  command
    .command("lies")
    .description("its RPC endpoint lies to it")
    .argument("<target>", "a node", targetOf)
    .addArgument(new Argument("[about]", "what about").choices(lies).default("term"))
    .action((target: Target, about: (typeof lies)[number]) =>
      pull(target, { kind: "rpc", behaviour: `lies-${about}` }),
    );
  command
    .command("rpc")
    .description("its RPC endpoint is away, never answers, is slow; or tells the truth again")
    .argument("<target>", "a node", targetOf)
    .addArgument(new Argument("<how>", "what it does").choices(answers))
    .action((target: Target, behaviour: (typeof answers)[number]) =>
      pull(target, { kind: "rpc", behaviour }),
    );
}

function targetsArgument(optional: boolean): Argument {
  // commander hands over what it has so far: its own default, nothing, at the first word.
  const collect = (text: string, earlier: readonly Target[] | undefined) => [
    ...(earlier ?? []),
    targetOf(text),
  ];
  return new Argument(optional ? "[targets...]" : "<targets...>").argParser(collect);
}

export function addChainCommands(command: Command, decide: Decide): void {
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

export function addOtherCommands(command: Command, decide: Decide): void {
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
    .description(
      "undo all: links, clocks, RPC, clones, pauses, nodes that are down, chain, guest agents",
    )
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
