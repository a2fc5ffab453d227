/**
 * Which process holds the other end of a connection on this machine.
 *
 * Linux only: it reads the kernel's table of sockets (proc(5), /proc/net/tcp) and the descriptors of
 * the processes in question.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export const ownersAreKnown = process.platform === "linux";

/**
 * @param ports of the connection, as its owner sees them
 * @param pids whose descriptors to look at
 * @returns `null` when none of them holds it, or it is gone already
 */
export function ownerOf(
  ports: { readonly local: number; readonly remote: number },
  pids: Iterable<number>,
): number | null {
  const inode = inodeOf(ports);
  if (inode === null) return null;
  const wanted = `socket:[${inode}]`;
  for (const pid of pids) if (holds(pid, wanted)) return pid;
  return null;
}

function inodeOf({ local, remote }: { local: number; remote: number }): string | null {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readOrEmpty(table).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (portIn(fields[1]) === local && portIn(fields[2]) === remote) return fields[9] ?? null;
    }
  }
  return null;
}

/** `0100007F:1F90` */
function portIn(address: string | undefined): number {
  return Number.parseInt(address?.split(":")[1] ?? "", 16);
}

function holds(pid: number, wanted: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((name) => linkIn(`${folder}/${name}`) === wanted);
  } catch {
    return false;
  }
}

function linkIn(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
