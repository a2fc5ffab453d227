/**
 * The few file operations by which the journal makes things durable.
 *
 * Files are opened with O_DSYNC, so that one system call both writes and syncs: measured 5 to 20 %
 * faster at the median than write and then fdatasync. While the device is quick, small writes are
 * made on the event loop: a trip to the thread pool and back costs more than such a write does. One
 * slow write, and they all take the trip for a while.
 *
 * Safety assumes: the device keeps what it has acknowledged as synced.
 */
import { close, constants, ftruncate, open, rename, unlink, write, writeSync } from "node:fs";
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
  const pace = createPace();
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
        async write(bytes, position) {
          const done = pace.isQuick(bytes) ? pace.writeHere(descriptor, bytes, position) : 0;
          if (done < bytes.length)
            await writeAll(descriptor, bytes.subarray(done), position + done);
        },
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

/** A longer wait would be felt by everything else on the event loop. */
const quickMsMax = 1;
const quickBytesMax = 65_536;
/** After a slow write: how long until one is tried on the event loop again. */
const slowForMs = 2_000;

/** Decides, by how long writes took, whether the event loop can afford to make them itself. */
function createPace() {
  let slowUntilMs = 0;
  return {
    isQuick: (bytes: Uint8Array): boolean =>
      bytes.length <= quickBytesMax && performance.now() >= slowUntilMs,
    /** @returns how many bytes the system took: all, but near the end of a full disk */
    writeHere(descriptor: number, bytes: Uint8Array, position: number): number {
      const startedMs = performance.now();
      const taken = writeSync(descriptor, bytes, 0, bytes.length, position);
      const endedMs = performance.now();
      if (endedMs - startedMs > quickMsMax) slowUntilMs = endedMs + slowForMs;
      return taken;
    },
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
