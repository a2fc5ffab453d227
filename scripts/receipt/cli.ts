/** The options of `npm run verify-receipt`, and what is wrong with them. */
import { Command, InvalidArgumentError } from "commander";

export type VerifyOptions = {
  /** `-` is the standard input. */
  readonly file: string;
  readonly roster?: string;
  readonly saveRoster?: string;
  readonly rpc?: string;
  readonly contract?: string;
  readonly dataDir: string;
  readonly onChain: boolean;
  readonly json: boolean;
};

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseVerifyOptions(args: readonly string[]): VerifyOptions {
  const command = new Command("npm run verify-receipt --")
    .description("Holds a receipt against the contract's roster; relies on no node.")
    .argument("<file>", "the receipt, as GET /receipts/{index} answers it; - for standard input")
    .option("--roster <file>", "a roster saved before: fully offline")
    .option("--save-roster <file>", "writes the roster that was read from the chain")
    .option("--rpc <url>", "the chain (default: the local cluster's)", httpUrl)
    .option(
      "--contract <address>",
      "the membership contract (default: the local cluster's)",
      address,
    )
    .option("--data-dir <dir>", "of the local cluster", ".cluster")
    .option("--on-chain", "asks the contract's verifyReceipt as well", false)
    .option("--json", "prints one JSON document", false)
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride();
  command.parse(args, { from: "user" });
  const [file = ""] = command.args;
  const options = { file, ...command.opts<Omit<VerifyOptions, "file">>() };
  const problem = problemOf(options);
  if (problem !== null) command.error(`error: ${problem}`);
  return options;
}

function problemOf({ roster, saveRoster, rpc, contract }: VerifyOptions): string | null {
  if (roster === undefined && rpc !== undefined && contract === undefined) {
    return "--rpc needs --contract: a receipt must not choose the contract it is held against";
  }
  if (roster !== undefined && saveRoster !== undefined) {
    return "--save-roster writes what the chain says: expected it without --roster";
  }
  if (roster !== undefined && contract !== undefined) {
    return "--roster names its contract: expected it without --contract";
  }
  return null;
}

function httpUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return text;
  throw new InvalidArgumentError("Expected an http or https URL.");
}

function address(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("Expected 0x and 40 hex digits.");
}
