/** The options of `npm run verify`, and what is wrong with them. */
import { Command, InvalidArgumentError } from "commander";
import { type TcbStatus, tcbStatuses } from "../../node/src/config/config.ts";

/** Where a person, or a program, reads what was found, and what went wrong. */
export type Output = {
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
};

export type VerifyOptions = {
  /** A node's URL, or the contract's address in lower case; none: the local cluster's contract. */
  readonly target?: string;
  readonly rpc: readonly string[];
  readonly contract?: string;
  /** A file, or `dev`; none: Intel's. */
  readonly root?: string;
  /** Where collateral is fetched; none: what each node serves is checked and used. */
  readonly pccs?: string;
  readonly tcbPolicy: readonly TcbStatus[];
  readonly measurements?: string;
  /** Lower-case hex without 0x. */
  readonly composeHash: readonly string[];
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  readonly quorum: boolean;
  readonly json: boolean;
  readonly dataDir: string;
};

type Parsed = Omit<VerifyOptions, "target" | "maxAgeMs" | "timeoutMs"> & {
  readonly maxAge: number;
  readonly timeout: number;
};

const defaults = { maxAgeSeconds: 600, timeoutSeconds: 10 };

/**
 * @param output told the help, or what is wrong
 * @throws CommanderError, told already; of exit code 0 for `--help`
 */
export function parseVerifyOptions(args: readonly string[], output: Output): VerifyOptions {
  const command = commandWith(output);
  command.parse(args, { from: "user" });
  const { maxAge, timeout, ...rest } = command.opts<Parsed>();
  const target = targetOf(command, command.args[0]);
  if (target?.startsWith("0x") === true && rest.contract !== undefined) {
    command.error("error: --contract pins the contract of a node's URL: expected a URL before it");
  }
  const named = target === undefined ? {} : { target };
  return { ...rest, ...named, maxAgeMs: maxAge * 1_000, timeoutMs: timeout * 1_000 };
}

function commandWith({ say, complain }: Output): Command {
  return new Command("npm run verify --")
    .description("Checks every member of a cluster against the contract; relies on no node.")
    .argument("[target]", "a node's URL or the contract's address (default: the local cluster)")
    .option("--rpc <url>", "the chain; repeatable: all must say the same", httpUrls, [])
    .option("--contract <address>", "the contract that a node's URL must belong to", address)
    .option(
      "--root <file>",
      "whom to trust, PEM or DER; dev: the local cluster's simulator (default: Intel's)",
    )
    .option("--pccs <url>", "fetches collateral there (default: checks what nodes serve)", httpUrl)
    .option("--tcb-policy <statuses>", "TCB statuses to accept", tcbPolicy, [
      "UpToDate",
      "SWHardeningNeeded",
    ])
    .option("--measurements <file>", "OS images to accept, as OS_MEASUREMENTS lists them")
    .option("--compose-hash <hex>", "to accept, of those allowed; repeatable", composeHashes, [])
    .option("--max-age <seconds>", "of a quote's block", seconds, defaults.maxAgeSeconds)
    .option(
      "--timeout <seconds>",
      "for each answer, and for members to agree",
      seconds,
      defaults.timeoutSeconds,
    )
    .option("--quorum", "accepts a cluster of which a quorum passes", false)
    .option("--json", "prints one JSON document", false)
    .option("--data-dir <dir>", "of the local cluster", ".cluster")
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .configureOutput({ writeOut: say, writeErr: complain })
    .exitOverride();
}

function targetOf(command: Command, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  if (isHttpUrl(text)) return text;
  return command.error(
    `error: expected a node's http URL or a contract's address (0x and 40 hex digits), got ${text}`,
  );
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

function httpUrl(text: string): string {
  if (isHttpUrl(text)) return text;
  throw new InvalidArgumentError("Expected an http or https URL.");
}

function httpUrls(text: string, before: readonly string[]): readonly string[] {
  const url = httpUrl(text);
  // One endpoint named twice would agree with itself.
  if (before.includes(url)) throw new InvalidArgumentError("Expected different URLs.");
  return [...before, url];
}

function address(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("Expected 0x and 40 hex digits.");
}

function composeHashes(text: string, before: readonly string[]): readonly string[] {
  const digits = text.replace(/^0x/, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return [...before, digits];
  throw new InvalidArgumentError("Expected 64 hex digits.");
}

function tcbPolicy(text: string): readonly TcbStatus[] {
  return text.split(",").map((name) => {
    const status = tcbStatuses.find((known) => known === name.trim());
    if (status !== undefined) return status;
    throw new InvalidArgumentError(`Expected some of ${tcbStatuses.join(", ")}, with commas.`);
  });
}

function seconds(text: string): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError("Expected a whole number of seconds from 1 to 999999.");
}
