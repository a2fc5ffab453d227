/** What `npm run join` and `npm run leave` have in common: options, progress, exit code. */
import { Command, CommanderError, Option } from "commander";
import { elapsed } from "../elapsed.ts";
import { reasonOf } from "../failure.ts";
import { layoutOf } from "../layout.ts";
import { wholeNumber } from "../wholeNumber.ts";
import { requestChange } from "./client.ts";
import { type ChangeRequest, timeoutSecondsMax } from "./words.ts";

export type ChangeCommandOptions = {
  readonly dataDir: string;
  /** Seconds. */
  readonly timeout?: number;
};

const misconfigured = 2;

export function changeCommand(name: string, description: string): Command {
  return new Command(`npm run ${name} --`)
    .description(description)
    .helpOption("-h, --help", "show this help")
    .addOption(new Option("--data-dir <dir>", "whose cluster").default(".cluster"))
    .addOption(
      new Option(
        "--timeout <seconds>",
        "how long to wait for the end; it goes on afterwards (default: 60, more with slow blocks)",
      ).argParser((text) => wholeNumber(text, 1, timeoutSecondsMax)),
    )
    .allowExcessArguments(false)
    .exitOverride();
}

/**
 * @param requestOf what the parsed command asks for
 * @returns the exit code: 0 when it is done, 1 when it is not, 2 when an argument is wrong
 */
export async function runChange(
  command: Command,
  args: readonly string[],
  requestOf: (timeoutMs: number | null) => ChangeRequest,
): Promise<number> {
  // A reader of the progress that goes away does not undo the change.
  process.stdout.on("error", () => undefined);
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
  const { dataDir, timeout } = command.opts<ChangeCommandOptions>();
  const request = requestOf(timeout === undefined ? null : timeout * 1_000);
  try {
    await requestChange(layoutOf(dataDir), request, (line) => {
      process.stdout.write(`${elapsed()} ${line}\n`);
    });
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return 1;
  }
}
