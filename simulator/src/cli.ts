/** The command line: options, their defaults, and which of them exclude each other. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { type AgentVersion, parseAgentVersion } from "./agentVersion.ts";
import { defaultAppCompose } from "./app.ts";
import { faultHelp } from "./faults.ts";
import { inventedImage, type OsImage } from "./measurement/osImage.ts";
import type { MeasuredEvent } from "./measurement/register.ts";
import {
  agentVersion,
  appId,
  type Faults,
  fault,
  freeName,
  instanceCount,
  instanceName,
  mode,
  mrtd,
  noFaults,
  osImageHash,
  port,
  portMax,
  readBootLog,
  readCompose,
} from "./optionValues.ts";
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
  readonly device: string;
  readonly osImage: string;
  readonly mrtd: Uint8Array | null;
  readonly osImageHash: Uint8Array | null;
  readonly bootLog: readonly MeasuredEvent[] | null;
  readonly fault: Faults;
  readonly pccsPort: number | null;
  readonly pccsHost: string;
  readonly faultControl?: true;
  readonly logLevel: string;
  readonly printIdentity?: true;
};

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
  const { tcpPort, tcpHost, instance, instances, pccsPort, pccsHost } = options;
  const instanceNames = instance.length > 0 ? instance : numberedNames(instances);
  checkOptions(command, options, instanceNames);
  return {
    ...options,
    image: imageOf(options),
    faults: options.fault.quote,
    collateralFaults: options.fault.collateral,
    printIdentity: options.printIdentity ?? false,
    instanceNames,
    tcp: tcpPort === null ? null : { host: tcpHost, port: tcpPort },
    pccs:
      pccsPort === null
        ? null
        : { host: pccsHost, port: pccsPort, isControlled: options.faultControl ?? false },
  };
}

function imageOf(options: Options): OsImage {
  const image = inventedImage(options.osImage);
  return {
    ...image,
    mrtd: options.mrtd ?? image.mrtd,
    osImageHash: options.osImageHash ?? image.osImageHash,
    bootEvents: options.bootLog ?? image.bootEvents,
  };
}

function defineCommand(): Command {
  const command = new Command("simulator")
    .description("A dstack guest agent for machines without TDX. It proves nothing to anyone.")
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\n${faultHelp()}`)
    .allowExcessArguments(false)
    .exitOverride();
  const groups = [
    instanceOptions(),
    appOptions(),
    machineOptions(),
    attestationOptions(),
    processOptions(),
  ];
  for (const option of groups.flat()) command.addOption(option);
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

function machineOptions(): readonly Option[] {
  return [
    new Option("--device <text>", "the machine below: its certificate and device id follow from it")
      .argParser(freeName)
      .default("default"),
    new Option("--os-image <text>", "the image: MRTD, registers 0 to 2 and its hash follow from it")
      .argParser(freeName)
      .default("simulator"),
    new Option("--mrtd <hex>", "48 bytes in place of the image's")
      .argParser(mrtd)
      .default(null, "the image's"),
    new Option("--os-image-hash <hex>", "32 bytes in place of the image's")
      .argParser(osImageHash)
      .default(null, "the image's"),
    new Option(
      "--boot-log <file>",
      "JSON of the events of registers 0 to 2 in place of the image's",
    )
      .argParser(readBootLog)
      .default(null, "the image's"),
  ];
}

function attestationOptions(): readonly Option[] {
  return [
    new Option("--pccs-port <port>", "serve the collateral that verifiers ask for")
      .argParser(port)
      .default(null, "none is served"),
    new Option("--pccs-host <host>", "the host of this port").default("127.0.0.1"),
    new Option("--fault <name>", "something wrong on purpose, see below; repeatable")
      .argParser(fault)
      .default(noFaults, "none"),
    new Option("--fault-control", "let POST /faults at the PCCS change what is wrong with it"),
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

function checkOptions(command: Command, options: Options, names: readonly string[]): void {
  const { tcpPort, pccsPort, fault: faults, faultControl } = options;
  checkPaths(command, options.socketDir, names);
  if (tcpPort !== null && tcpPort + names.length - 1 > portMax) {
    command.error(`error: --tcp-port ${tcpPort} leaves no ports for ${names.length} instances`);
  }
  if (pccsPort !== null) return;
  const [collateralFault] = faults.collateral;
  if (names.length === 0) command.error("error: --instances 0 serves nothing without --pccs-port");
  if (faultControl) command.error("error: --fault-control controls nothing without --pccs-port");
  if (collateralFault !== undefined) {
    command.error(`error: --fault ${collateralFault} is nowhere seen without --pccs-port`);
  }
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
