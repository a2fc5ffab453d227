/**
 * A dstack guest agent for machines without TDX: the sockets, key derivation and quotes of the real
 * one, under a development root that anyone can compute.
 *
 * Exit codes: 0 after SIGTERM or SIGINT, 1 when it cannot listen, 2 when it is configured wrongly.
 */
import { CommanderError } from "commander";
import { pino } from "pino";
import { type CommandLine, parseCommandLine } from "./cli.ts";
import { identify, startSimulator } from "./simulator.ts";

const misconfigured = 2;

const { NODE_ENV } = process.env;
process.exitCode = await main(process.argv.slice(2), NODE_ENV);

async function main(args: readonly string[], nodeEnv: string | undefined): Promise<number> {
  if (nodeEnv === "production") {
    const reason = "its keys follow from a public seed and its quotes prove nothing";
    process.stderr.write(`The simulator refuses to run with NODE_ENV=production: ${reason}.\n`);
    return misconfigured;
  }
  const commandLine = readCommandLine(args);
  if (typeof commandLine === "number") return commandLine;
  return run(commandLine);
}

function readCommandLine(args: readonly string[]): CommandLine | number {
  try {
    return parseCommandLine(args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : misconfigured;
  }
}

async function run(commandLine: CommandLine): Promise<number> {
  if (commandLine.printIdentity) {
    process.stdout.write(`${JSON.stringify(await identify(commandLine))}\n`);
    return 0;
  }
  const stopRequested = signalled("SIGTERM", "SIGINT");
  const logger = pino({ level: commandLine.logLevel, base: { name: "simulator" } });
  try {
    const simulator = await startSimulator(commandLine, logger);
    logger.info({ event: "ready", ...simulator.identity }, "ready");
    const signal = await stopRequested;
    await simulator.stop();
    logger.info({ event: "stopped", signal }, "stopped");
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function signalled(...signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve(signal));
  });
}
