/** `npm run stop`: ends a cluster that runs in the background, or what a killed start left behind. */
import { Command } from "commander";
import { reasonOf } from "./cluster/failure.ts";
import { layoutOf } from "./cluster/layout.ts";
import { stopRecorded } from "./cluster/stopRecorded.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const command = new Command("npm run stop --")
    .description("Ends the cluster that runs on a data directory. Its data stay.")
    .option("--data-dir <dir>", "where the cluster keeps its data", ".cluster")
    .allowExcessArguments(false)
    .parse();
  const layout = layoutOf(command.opts<{ dataDir: string }>().dataDir);
  try {
    const ended = await stopRecorded(layout);
    const list = ended.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
    say(ended.length === 0 ? `nothing runs on ${layout.dataDir}` : `stopped: ${list}`);
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return 1;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
