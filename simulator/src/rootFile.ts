/** The development root as a file, for verifiers that are to be told to trust it. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export function rootFilePath(socketDir: string): string {
  return join(socketDir, "attestation-root.pem");
}

/**
 * Writes `pem` unless it is there already. A reader finds all of it or none, also while several
 * simulators start in one folder.
 */
export async function writeRootFile(socketDir: string, pem: string): Promise<void> {
  const path = rootFilePath(socketDir);
  const present = await readFile(path, "utf8").catch(absent);
  if (present === pem) return;
  await mkdir(socketDir, { recursive: true });
  // Not named by process id: in containers that share the folder, all may have the same.
  const partial = `${path}.${randomUUID()}`;
  await writeFile(partial, pem);
  await rename(partial, path);
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
