/**
 * The few file operations by which the journal makes things durable.
 *
 * Files are opened with O_DSYNC, so that one system call, and one trip to the thread pool, both
 * writes and syncs: measured 5 to 20 % faster at the median than write and then fdatasync.
 *
 * Safety assumes: the device keeps what it has acknowledged as synced.
 */
import { close, constants, ftruncate, open, rename, unlink, write } from "node:fs";
import { mkdir, open as openHandle } from "node:fs/promises";
import { dirname, resolve as resolvePath } from "node:path";
import { promisify } from "node:util";

export type DiskFile = {
  readonly path: string;
  /** Resolves once all of `bytes` is durable. After a rejection nothing is known of the range. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  close(): Promise<void>;
};

export type Disk = {
  /** Creates what is missing of the path; resolves once the names are durable. */
  makeDirectory(path: string): Promise<void>;
  /** Opens for writing and creates what is missing; `empty` drops what was there. */
  open(path: string, content: "keep" | "empty"): Promise<DiskFile>;
  /** Resolves once the new name is durable. */
  rename(from: string, to: string): Promise<void>;
  /** Best effort: the name may come back after a loss of power. */
  remove(path: string): Promise<void>;
};

/** How a write is made to last; `none` leaves that to the operating system's own pace. */
export type Durability = "fsync" | "none";

const openFile = promisify(open);
const closeFile = promisify(close);
const truncateFile = promisify(ftruncate);
const renameFile = promisify(rename);
const removeFile = promisify(unlink);

export function realDisk(durability: Durability): Disk {
  const syncing = durability === "fsync";
  const flags = constants.O_RDWR | constants.O_CREAT | (syncing ? constants.O_DSYNC : 0);
  return {
    async makeDirectory(path) {
      const target = resolvePath(path);
      const first = await mkdir(target, { recursive: true });
      if (!syncing || first === undefined) return;
      for (let made = target; made.length >= first.length; made = dirname(made)) {
        await syncDirectory(dirname(made));
      }
    },
    async open(path, content) {
      const descriptor = await openFile(
        path,
        content === "empty" ? flags | constants.O_TRUNC : flags,
      );
      if (syncing) await syncDirectory(dirname(path));
      return {
        path,
        write: (bytes, position) => writeAll(descriptor, bytes, position),
        truncate: (lengthBytes) => truncateFile(descriptor, lengthBytes),
        close: () => closeFile(descriptor),
      };
    },
    async rename(from, to) {
      await renameFile(from, to);
      if (syncing) await syncDirectory(dirname(to));
    },
    remove: removeFile,
  };
}

/** The system may take less than it was given: near the end of a full disk, for one. */
function writeAll(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeFrom = (offset: number): void => {
      write(descriptor, bytes, offset, bytes.length - offset, position + offset, (error, taken) => {
        if (error !== null) reject(error);
        else if (offset + taken < bytes.length) writeFrom(offset + taken);
        else resolve();
      });
    };
    writeFrom(0);
  });
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await openHandle(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
