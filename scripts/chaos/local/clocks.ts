/** Wall clocks of local nodes that can be set: the other end of `clock.ts`. */
import { rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "../../cluster/child.ts";

const preload = fileURLToPath(new URL("./clock.ts", import.meta.url));

/** The preload comes before the program's own file, the last argument. */
export function withClock(command: Command, clockFile: string): Command {
  const args = command.args.toSpliced(-1, 0, "--import", preload);
  return { ...command, args, env: { ...command.env, CHAOS_CLOCK: clockFile } };
}

/** @param ms by how much the clock is ahead; 0 is right */
export async function setClock(clockFile: string, ms: number): Promise<void> {
  // Replaced in one step: a reader never meets half a number.
  const next = `${clockFile}.next`;
  await writeFile(next, String(ms));
  await rename(next, clockFile);
}
