/** Runs the docker CLI: its output, or an error that says what docker said. */
import { spawn } from "node:child_process";

/** What docker refused or failed to do, in its own last words. */
export class DockerError extends Error {
  override readonly name = "DockerError";
}

export type DockerOptions = {
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Ends the command by SIGTERM, upon which it fails. */
  readonly signal?: AbortSignal;
};

export type Printed = { readonly stdout: string; readonly stderr: string };

const complaintLinesMax = 20;

/**
 * @returns what the command printed on its standard output
 * @throws DockerError naming the command, with the end of what it complained of
 */
export async function docker(
  args: readonly string[],
  options: DockerOptions = {},
): Promise<string> {
  return (await dockerPrinted(args, options)).stdout;
}

/**
 * The same with both outputs, as for logs: docker keeps a container's two apart.
 *
 * @throws DockerError
 */
export function dockerPrinted(
  args: readonly string[],
  { env = {}, cwd, signal }: DockerOptions = {},
): Promise<Printed> {
  const child = spawn("docker", args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Its own process group: Ctrl-C in a terminal reaches this process alone, which then ends
    // everything in order.
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString("utf8");
  }) as [() => string, () => string];
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(notRun(args, error)));
    child.once("close", (code, by) => {
      if (code === 0) resolve({ stdout: stdout(), stderr: stderr() });
      else reject(new DockerError(failureOf(args, stderr(), by ?? `exit code ${code}`)));
    });
  });
}

function notRun(args: readonly string[], error: NodeJS.ErrnoException): DockerError {
  const reason = error.code === "ENOENT" ? "docker is not installed" : error.message;
  return new DockerError(`cannot run docker ${args[0]}: ${reason}`, { cause: error });
}

/** @param ending used where the command said nothing */
export function failureOf(args: readonly string[], stderr: string, ending: string): string {
  const lines = stderr
    .trimEnd()
    .split("\n")
    .filter((line) => line.trim() !== "");
  const complaint = lines.slice(-complaintLinesMax).join("\n");
  return `docker ${args.join(" ")} failed: ${complaint === "" ? ending : complaint}`;
}
