/** The `Log` port over pino: one JSON object a line. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { Log } from "../runtime/ports.ts";

export type LoggerOptions = {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Standard output when left out. */
  readonly destination?: DestinationStream;
};

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
  return logOver(pino(options, destination ?? pino.destination({ dest: 1, sync: true })));
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
