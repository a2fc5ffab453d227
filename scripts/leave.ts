/** `npm run leave -- <node>`: takes a node out of the cluster that runs on a data directory. */
import { Argument, InvalidArgumentError } from "commander";
import { changeCommand, runChange } from "./cluster/control/command.ts";
import { nodeNumberMax } from "./cluster/ports.ts";

const command = changeCommand(
  "leave",
  "Has the leader remove a node, and ends its process once the others go on without it.",
)
  .addArgument(new Argument("<node>", "its number, such as 2 for node2").argParser(nodeNumber))
  .option("--forget", "for one that is not a member any more: end it and strike it off", false);
process.exitCode = await runChange(command, process.argv.slice(2), (timeoutMs) => ({
  kind: "leave",
  number: command.processedArgs[0] as number,
  forget: command.opts<{ forget: boolean }>().forget,
  timeoutMs,
}));

function nodeNumber(text: string): number {
  const digits = /^(?:node)?([1-9]\d?)$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new InvalidArgumentError(`Expected the number of a node, from 1 to ${nodeNumberMax}.`);
}
