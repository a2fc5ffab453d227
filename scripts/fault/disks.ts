/** The disks of nodes that are down, or paused. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { copyInto, emptyFolder } from "../chaos/local/disks.ts";
import { ChangeError } from "../cluster/failure.ts";
import type { Layout } from "../cluster/layout.ts";
import { nodeName } from "../cluster/node.ts";

/** Replaces an earlier copy once the new one is whole. Only while the node writes nothing. */
export async function saveDisk(layout: Layout, number: number): Promise<void> {
  const name = nodeName(number);
  const next = join(layout.savedDir, `${name}.next`);
  await rm(next, { recursive: true, force: true });
  await mkdir(next, { recursive: true });
  await copyInto(layout.nodeDir(name), next);
  await rm(savedDisk(layout, number), { recursive: true, force: true });
  await rename(next, savedDisk(layout, number));
}

/** @throws ChangeError when there is none */
export function requireSaved(layout: Layout, number: number): void {
  if (existsSync(savedDisk(layout, number))) return;
  throw new ChangeError(
    `there is no old copy of ${nodeName(number)}'s disk; \`npm run fault -- save ${number}\` ` +
      "makes one, to roll back to later",
  );
}

/** Only while the node is down. The copy stays, for another time. */
export async function restoreDisk(layout: Layout, number: number): Promise<void> {
  await wipeDisk(layout, number);
  await copyInto(savedDisk(layout, number), layout.nodeDir(nodeName(number)));
}

/** Only while the node is down. */
export async function wipeDisk(layout: Layout, number: number): Promise<void> {
  await emptyFolder(layout.nodeDir(nodeName(number)));
}

function savedDisk(layout: Layout, number: number): string {
  return join(layout.savedDir, nodeName(number));
}
