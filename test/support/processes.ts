/** Real processes for tests: started with a line to wait for, ended by their own pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

export type Running = {
  readonly pid: number;
  /** The line of standard output that showed it was ready. */
  readonly readyLine: string;
  /** Everything it has written so far. */
  output(): string;
  /** Resolves once the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
};

const linesKept = 200;

/**
 * Resolves once the process writes a line that `ready` matches.
 *
 * @throws Error with what it wrote, when it ends before
 */
export async function startProcess(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly ready: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}): Promise<Running> {
  const { command, args, ready, env = {} } = options;
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  // A test file that fails in its set-up never gets to stop what it started.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  const lines: string[] = [];
  const readyLine = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      const end = `${command} ended (${code ?? signal}) before it was ready`;
      reject(new Error([end, ...lines].join("\n")));
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > linesKept) lines.shift();
        if (ready.test(line)) resolve(line);
      });
    }
  });
  return {
    pid: child.pid ?? 0,
    readyLine,
    output: () => lines.join("\n"),
    stop: (signal = "SIGTERM") => end(child, signal),
  };
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}
