/** Reads the environment, runs one node, and ends it in order. */
import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";

// Loading the sources from the cache spares the memory of the type stripper and the compiler, so
// everything else is imported after this. NODE_COMPILE_CACHE names another place.
enableCompileCache();

const exitBadConfiguration = 2;
const stopMsMax = 4_500;

async function main(): Promise<void> {
  const { readConfig } = await import("./config/config.ts");
  const read = readConfig(process.env);
  if (!read.ok) {
    const list = read.problems.map((problem) => `  - ${problem}`).join("\n");
    process.stderr.write(`The configuration cannot be used:\n${list}\n`);
    process.exit(exitBadConfiguration);
  }
  const { createLogger } = await import("./telemetry/logger.ts");
  const { createMetrics } = await import("./telemetry/metrics.ts");
  const { startNode } = await import("./compose.ts");
  const log = createLogger({ level: read.config.logLevel });
  const version = readVersion();
  log.info({ version, pid: process.pid, endpoint: read.config.endpoint }, "starting");
  const end = (exitCode: number, why: string): void => {
    log.error({ exitCode, why }, "ending");
    process.exit(exitCode);
  };
  const metrics = createMetrics();
  const node = await startNode({ config: read.config, version, log, metrics, onHalt: end });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, "asked to stop");
    setTimeout(() => end(1, `did not stop within ${stopMsMax} ms`), stopMsMax).unref();
    node.stop().then(
      () => process.exit(0),
      (error) => end(1, String(error)),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

main().catch(async (error: unknown) => {
  const { ClusterError } = await import("./errors.ts");
  const known = error instanceof ClusterError;
  process.stderr.write(`${known ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exit(1);
});
