/** The `Log` port over pino: one JSON object a line. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { Log } from "../runtime/ports.ts";

export type LoggerOptions = {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Standard output when left out. */
  readonly destination?: DestinationStream;
};

const tryAgainMs = 500;

/** Nothing may log these. Should something, this is the last net. */
const secretFields = ["privateKey", "secret", "seed", "authorization", "quote", "signature"];

/** Lines are written before the call returns, so none is lost when the process ends. */
export function createLogger({ level, destination }: LoggerOptions): Log {
  const options = {
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`]),
      censor: "[redacted]",
    },
    hooks: { streamWrite: withoutCredentials },
  };
  return logOver(pino(options, destination ?? standardOutput()));
}

/** Where the log goes may be full for a while: lines are lost then, and the node goes on. */
function standardOutput(): DestinationStream {
  let output = openOutput();
  let failedMs: number | null = null;

  function openOutput(): DestinationStream {
    const opened = pino.destination({ dest: 1, sync: true });
    opened.on("error", () => {
      failedMs = performance.now();
    });
    return opened;
  }

  return {
    write(line) {
      if (failedMs !== null) {
        if (performance.now() - failedMs < tryAgainMs) return;
        // The one that failed keeps its lines for ever and takes no more.
        output = openOutput();
        failedMs = null;
      }
      output.write(line);
    },
  };
}

function logOver(logger: Logger): Log {
  return {
    debug: (fields, sentence) => logger.debug(fields, sentence),
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
    child: (fields) => logOver(logger.child(fields)),
  };
}

/** Libraries name URLs in their errors, with user and password where there are any. */
function withoutCredentials(line: string): string {
  return line.includes("@") ? line.replaceAll(/:\/\/[^/\s"@]*@/g, "://[redacted]@") : line;
}
