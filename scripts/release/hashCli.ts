/** The options of `npm run compose-hash`, and what is wrong with them. */
import { Command, InvalidArgumentError } from "commander";

export type HashOptions = {
  /** `-` is the standard input. */
  readonly file: string;
  readonly strict: boolean;
  readonly add: boolean;
  readonly remove: boolean;
  readonly rpc?: string;
  readonly contract?: string;
  readonly calldata: boolean;
  readonly json: boolean;
};

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseHashOptions(args: readonly string[]): HashOptions {
  const command = new Command("npm run compose-hash --")
    .description("Prints the compose hash of an app-compose.json: SHA-256 of the file's bytes.")
    .argument("<file>", "the app-compose.json as it is deployed; - for standard input")
    .option("--strict", "fails when the hash does not fix every image", false)
    .option("--add", "has the contract allow the hash", false)
    .option("--remove", "has the contract allow it no longer; running nodes go on", false)
    .option("--rpc <url>", "the chain", httpUrl)
    .option("--contract <address>", "the membership contract", address)
    .option("--calldata", "prints the owner's call instead of sending it", false)
    .option("--json", "prints one JSON document", false)
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride();
  command.parse(args, { from: "user" });
  const [file = ""] = command.args;
  const options = { file, ...command.opts<Omit<HashOptions, "file">>() };
  const problem = problemOf(options);
  if (problem !== null) command.error(`error: ${problem}`);
  return options;
}

function problemOf({ add, remove, rpc, contract, calldata }: HashOptions): string | null {
  const named = rpc !== undefined || contract !== undefined || calldata;
  if (add && remove) return "--add and --remove exclude each other: expected one of them";
  if (!add && !remove) {
    return named ? "--rpc, --contract and --calldata need --add or --remove" : null;
  }
  if (contract === undefined) return "--add and --remove need --contract";
  if (calldata && rpc !== undefined) return "--calldata asks no chain: expected it without --rpc";
  if (!calldata && rpc === undefined) return "--add and --remove need --rpc, or --calldata";
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
