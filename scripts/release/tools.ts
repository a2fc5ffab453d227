/** Runs the programs that a release needs: git, docker, tar. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const outputBytesMax = 64 * 1024 * 1024;
const complaintLinesMax = 20;

/**
 * @returns what it printed, as it is
 * @throws Error naming the program, with the end of what it complained of
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<string> {
  const settings = { ...options, maxBuffer: outputBytesMax };
  try {
    return (await execute(program, args, settings)).stdout;
  } catch (error) {
    const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") throw new Error(`${program} is not installed`, { cause: error });
    const complaint = stderr.trimEnd().split("\n").slice(-complaintLinesMax).join("\n");
    throw new Error(`${program} ${args[0]} failed: ${complaint}`, { cause: error });
  }
}
