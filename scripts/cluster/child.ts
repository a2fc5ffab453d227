/** One child process whose output goes to a log file. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { StartError } from "./failure.ts";
import { identityOf, type ProcessIdentity } from "./identity.ts";

export type Command = {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to this process's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
};

export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Child = {
  readonly identity: ProcessIdentity;
  /** Resolves once the process is gone; never rejects. */
  readonly ended: Promise<Ending>;
  /** How the process ended; `null` while it runs. */
  ending(): Ending | null;
  signal(signal: NodeJS.Signals): void;
};

/** @throws StartError when the program cannot be run */
export async function run(command: Command): Promise<Child> {
  const log = openSync(command.logFile, "a");
  try {
    const child = spawn(command.program, command.args, {
      env: { ...process.env, ...command.env },
      stdio: ["ignore", log, log],
      // Its own process group: Ctrl-C in a terminal reaches the starter alone, which then stops
      // everything in order.
      detached: true,
    });
    return await running(child, command);
  } finally {
    closeSync(log);
  }
}

function running(child: ChildProcess, command: Command): Promise<Child> {
  let ending: Ending | null = null;
  const ended = new Promise<Ending>((resolve) => {
    child.once("exit", (code, signal) => {
      ending = { code, signal };
      resolve(ending);
    });
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new StartError(`cannot run ${command.program}: ${error.message}`, { cause: error }));
    });
    child.once("spawn", () => {
      const pid = child.pid ?? 0;
      resolve({
        identity: identityOf(pid) ?? { pid, bornAt: "ended at once" },
        ended,
        ending: () => ending,
        signal: (signal) => {
          // The handle knows whether the process is gone; its pid is never reused under it.
          if (ending === null) child.kill(signal);
        },
      });
    });
  });
}

export function describeEnding({ code, signal }: Ending): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}

/** The end of a log, for a person who wants to know why its process is gone. */
export function lastLines(logFile: string, count: number): readonly string[] {
  try {
    const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
    return lines.slice(-count).filter((line) => line !== "");
  } catch {
    return [];
  }
}
