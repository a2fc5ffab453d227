/** Disks of local nodes: folders, each a small file system of its own where one can be mounted. */
import { execFileSync } from "node:child_process";
import { constants, mkdirSync, readdirSync, statfsSync, writeFileSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { DiskCopy, Disks } from "../subject.ts";

/** A node keeps a few segments of 16 MiB each, and snapshots. */
const sizeMiB = 128;
const ballastName = "ballast";

export type LocalDisks = Disks & {
  /** Why disks cannot be filled here; `null` when they can. */
  readonly unfillable: string | null;
  /** Copies all disks there, as they are now. Only while no node runs. */
  keep(folder: string): Promise<void>;
  /** Empties all disks. Only while no node runs. */
  discard(): Promise<void>;
  unmount(): void;
};

export type DisksOptions = {
  readonly folders: readonly string[];
  readonly copiesDir: string;
  /** Stops the node at that position while `work` copies its disk, if it runs. */
  readonly whilePaused: (position: number, work: () => Promise<void>) => Promise<void>;
};

/** @throws Error when the folders cannot be made */
export function openDisks({ folders, copiesDir, whilePaused }: DisksOptions): LocalDisks {
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const mounted: string[] = [];
  const unfillable = mountAll(folders, mounted);
  let copies = 0;
  const folderOf = (position: number) => folders[position] ?? "";

  async function copy(position: number): Promise<DiskCopy> {
    copies += 1;
    const folder = join(copiesDir, `${position}-${copies}`);
    await mkdir(folder, { recursive: true });
    await whilePaused(position, () => copyInto(folderOf(position), folder));
    return { folder };
  }

  return {
    unfillable,
    copy,
    async restore(position, { folder }) {
      await emptyFolder(folderOf(position));
      await copyInto(folder, folderOf(position));
      await rm(folder, { recursive: true });
    },
    empty: (position) => emptyFolder(folderOf(position)),
    async fill(position) {
      const ballast = join(folderOf(position), ballastName);
      const { bavail, bsize } = statfsSync(folderOf(position));
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
      return () => rm(ballast, { force: true });
    },
    async keep(kept) {
      for (const folder of folders) await copyInto(folder, join(kept, basename(folder)));
    },
    async discard() {
      for (const folder of folders) await emptyFolder(folder);
    },
    unmount() {
      for (const folder of mounted.splice(0)) execFileSync("umount", ["--lazy", folder]);
    },
  };
}

/** Once no node runs any more. @param keepIn a folder for copies of them; `null`: they go */
export async function settleDisks(disks: LocalDisks, keepIn: string | null): Promise<void> {
  try {
    if (keepIn === null) await disks.discard();
    else await disks.keep(keepIn);
  } finally {
    disks.unmount();
  }
}

function mountAll(folders: readonly string[], mounted: string[]): string | null {
  if (process.platform !== "linux") return "it needs Linux's tmpfs";
  try {
    for (const folder of folders) {
      const options = `size=${sizeMiB}m`;
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "pipe" });
      mounted.push(folder);
    }
    return null;
  } catch {
    return "no file system can be mounted here; it needs root";
  }
}

/** The folder itself may be where a file system is mounted: it stays. */
export async function emptyFolder(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** The lock is the running process's own, and says nothing about the data. */
export async function copyInto(from: string, to: string): Promise<void> {
  const skipped = /\/(?:lock|lock\.holder|ballast)$/;
  await cp(from, to, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => !skipped.test(path),
  });
}
