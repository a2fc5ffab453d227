/** A small program of the tests' own, as a command of the supervisor or a child. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Command } from "../../../scripts/cluster/child.ts";

/** Removed when the test ends. */
export async function temporaryDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "cluster-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function program(source: string, logFile: string): Command {
  return { program: process.execPath, args: ["-e", source], env: {}, logFile };
}
