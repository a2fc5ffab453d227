/** The disks of local nodes: folders. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { copyInto, emptyFolder } from "../../chaos/local/disks.ts";
import { ChangeError } from "../../cluster/failure.ts";
import type { Layout } from "../../cluster/layout.ts";
import { nodeName } from "../../cluster/node.ts";
import type { DiskFaults } from "../breakable.ts";

export function localDisks(layout: Layout, say: (line: string) => void): DiskFaults {
  const diskOf = (number: number) => layout.nodeDir(nodeName(number));
  const savedOf = (number: number) => join(layout.savedDir, nodeName(number));
  return {
    async save(number) {
      // The new copy takes the old one's place only once it is whole.
      const next = `${savedOf(number)}.next`;
      await copyDisk(diskOf(number), next);
      await rm(savedOf(number), { recursive: true, force: true });
      await rename(next, savedOf(number));
      say(`${nodeName(number)}'s disk kept below ${layout.savedDir}`);
    },
    async requireSaved(number) {
      if (!existsSync(savedOf(number))) throw noSavedDisk(number);
    },
    async restore(number) {
      await emptyFolder(diskOf(number));
      await copyInto(savedOf(number), diskOf(number));
    },
    wipe: (number) => emptyFolder(diskOf(number)),
  };
}

export function noSavedDisk(number: number): ChangeError {
  return new ChangeError(
    `there is no old copy of ${nodeName(number)}'s disk; \`npm run fault -- save ${number}\` ` +
      "makes one, to roll back to later",
  );
}

/** Into a folder that holds nothing else. Only while nobody writes to the disk. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  await copyInto(from, to);
}
