/** What a release is made from: a commit, and never the working tree. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./tools.ts";

export type Commit = {
  /** 40 hex digits. */
  readonly id: string;
  /** When it was committed, in seconds since the Unix epoch. */
  readonly epochSeconds: number;
};

/**
 * @param repository any folder of it
 * @throws Error when there is no such commit here
 */
export async function commitAt(repository: string, revision: string): Promise<Commit> {
  const args = ["log", "--max-count=1", "--format=%H %ct", "--end-of-options", revision, "--"];
  const [id = "", seconds] = (await run("git", args, { cwd: repository })).trim().split(" ");
  return { id, epochSeconds: Number(seconds) };
}

/** @throws Error when the commit has no such file */
export function fileAt(repository: string, commit: Commit, path: string): Promise<string> {
  return run("git", ["show", `${commit.id}:${path}`], { cwd: repository });
}

/** Writes the commit's files into a folder, which is made. */
export async function exportCommit(
  repository: string,
  commit: Commit,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = join(folder, "..", `${commit.id}.tar`);
  await run("git", ["archive", "--format=tar", `--output=${archive}`, commit.id], {
    cwd: repository,
  });
  await run("tar", ["-xf", archive, "-C", folder]);
  await rm(archive);
}
