/** `npm run join`: adds a node to the cluster that runs on a data directory. */
import { changeCommand, runChange } from "./cluster/control/command.ts";

const command = changeCommand(
  "join",
  "Adds a node to the running cluster, and waits until it serves as a member.",
);
process.exitCode = await runChange(command, process.argv.slice(2), (timeoutMs) => ({
  kind: "join",
  timeoutMs,
}));
