/** The command line: options, their defaults, and what is wrong with a value. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { hexToBytes } from "@noble/hashes/utils";
import { Command, InvalidArgumentError, Option } from "commander";
import { type AgentVersion, parseAgentVersion } from "./agentVersion.ts";
import { defaultAppCompose, parseCompose } from "./app.ts";
import { type SimulatorSettings, socketPaths } from "./simulator.ts";

export type CommandLine = SimulatorSettings & {
  readonly logLevel: string;
  /** Print who the instances are, and listen nowhere. */
  readonly printIdentity: boolean;
};

type Options = {
  readonly socketDir: string;
  readonly instances: number;
  readonly instance: readonly string[];
  readonly socketMode: number | null;
  readonly tcpPort: number | null;
  readonly tcpHost: string;
  readonly seed: string;
  readonly appId: Uint8Array | null;
  readonly appCompose: Uint8Array;
  readonly agentVersion: AgentVersion;
  readonly eventLog: "real" | "full";
  readonly logLevel: string;
  readonly printIdentity?: true;
};

const instanceCountMax = 256;
const portMax = 65_535;
/** `sun_path` of Linux holds 108 bytes and a final zero. */
const socketPathBytesMax = 107;
const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/**
 * Reads the arguments after the script's own name. `--help` is a CommanderError of exit code 0,
 * printed already; anything wrong is one of another code, printed already too.
 *
 * @throws CommanderError
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const command = defineCommand();
  command.parse(args, { from: "user" });
  const options = command.opts<Options>();
  const { socketDir, tcpPort, tcpHost, instance, instances } = options;
  const instanceNames = instance.length > 0 ? instance : numberedNames(instances);
  checkPaths(command, socketDir, instanceNames);
  if (tcpPort !== null && tcpPort + instanceNames.length - 1 > portMax) {
    command.error(
      `error: --tcp-port ${tcpPort} leaves no ports for ${instanceNames.length} instances`,
    );
  }
  return {
    ...options,
    printIdentity: options.printIdentity ?? false,
    instanceNames,
    tcp: tcpPort === null ? null : { host: tcpHost, port: tcpPort },
  };
}

function defineCommand(): Command {
  const command = new Command("simulator")
    .description("A dstack guest agent for machines without TDX. It proves nothing to anyone.")
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride();
  for (const option of [...instanceOptions(), ...appOptions(), ...processOptions()]) {
    command.addOption(option);
  }
  return command;
}

function instanceOptions(): readonly Option[] {
  return [
    new Option("--socket-dir <dir>", "folder of the sockets: <dir>/<name>/dstack.sock")
      .argParser((path) => resolve(path))
      .default(resolve(".cluster/simulator"), ".cluster/simulator"),
    new Option("--socket-mode <octal>", "permission bits of the sockets, such as 0666")
      .argParser(mode)
      .default(null, "the umask's"),
    new Option("--instances <count>", "how many instances, named node1, node2, …")
      .argParser(instanceCount)
      .default(3),
    new Option("--instance <name>", "an instance of this name instead; repeatable")
      .argParser(instanceName)
      .default([], "none"),
    new Option("--tcp-port <port>", "also serve instance i at this port + i - 1")
      .argParser(port)
      .default(null, "sockets alone"),
    new Option("--tcp-host <host>", "the host of these ports").default("127.0.0.1"),
  ];
}

function appOptions(): readonly Option[] {
  return [
    new Option("--seed <text>", "all keys and ids follow from it").default("dstack-cluster"),
    new Option("--app-id <hex>", "20 bytes, such as the address of the app's contract")
      .argParser(appId)
      .default(null, "the start of the compose hash"),
    new Option("--app-compose <file>", "the app's compose file, hashed byte for byte")
      .argParser(readCompose)
      .default(defaultAppCompose, "a small one"),
    new Option("--agent-version <version>", "0.5.4 to 0.5.11")
      .argParser(agentVersion)
      .default(parseAgentVersion("0.5.8"), "0.5.8"),
    new Option("--event-log <form>", "whether a quote's log has the digests that real agents omit")
      .choices(["real", "full"])
      .default("real"),
  ];
}

function processOptions(): readonly Option[] {
  return [
    new Option("--log-level <level>", "of the JSON log on standard output")
      .choices(logLevels)
      .default("info"),
    new Option("--print-identity", "print root, app and instances as JSON, and exit"),
  ];
}

function numberedNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, position) => `node${position + 1}`);
}

function checkPaths(command: Command, socketDir: string, names: readonly string[]): void {
  const repeated = names.find((name, position) => names.indexOf(name) !== position);
  if (repeated !== undefined) command.error(`error: --instance ${repeated} is given twice`);
  for (const name of names) {
    const { guest } = socketPaths(socketDir, name);
    if (Buffer.byteLength(guest) > socketPathBytesMax) {
      command.error(
        `error: ${guest} is longer than the ${socketPathBytesMax} bytes of a socket path`,
      );
    }
  }
}

function instanceCount(text: string): number {
  return wholeNumber(text, 1, instanceCountMax);
}

function port(text: string): number {
  return wholeNumber(text, 1, portMax);
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}

function instanceName(name: string, earlier: readonly string[]): readonly string[] {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) return [...earlier, name];
  throw new InvalidArgumentError("Expected letters, digits, dots, dashes; 63 at most.");
}

function mode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("Expected three octal digits, such as 0666.");
}

function appId(text: string): Uint8Array {
  const digits = text.replace(/^0x/, "");
  if (/^[0-9a-fA-F]{40}$/.test(digits)) return hexToBytes(digits);
  throw new InvalidArgumentError("Expected 40 hex digits, with or without 0x.");
}

function agentVersion(text: string): AgentVersion {
  const version = parseAgentVersion(text);
  if (version === null) throw new InvalidArgumentError("Expected 0.5.4 to 0.5.11.");
  return version;
}

/** The text is checked here, so that a bad file is refused like any other bad option. */
function readCompose(path: string): Uint8Array {
  try {
    const raw = readFileSync(path);
    parseCompose(raw);
    return raw;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`Expected a file with a JSON object: ${reason}.`);
  }
}
