/** The real disk, with faults on demand: what a full or failing device does to the journal. */
import type { Disk, DiskFile } from "../../../node/src/storage/disk.ts";

export type Fault = {
  readonly code: "ENOSPC" | "EIO" | "EDQUOT";
  /** How much of what is written arrives all the same. */
  readonly arrivingBytes: number;
  /** Which writes it strikes; EIO strikes changes of size, too. */
  readonly strikes: (path: string, position: number) => boolean;
};

export type FaultyDisk = Disk & {
  /** Until `heal`. */
  fail(fault: Fault): void;
  heal(): void;
  /** Attempts, the failed ones too. */
  readonly writes: readonly { readonly path: string; readonly position: number }[];
};

const meanings = {
  ENOSPC: "no space left on device",
  EIO: "i/o error",
  EDQUOT: "disk quota exceeded",
} as const;

export function faultyDisk(inner: Disk): FaultyDisk {
  const writes: { path: string; position: number }[] = [];
  let fault: Fault | null = null;

  function wrap(file: DiskFile): DiskFile {
    return {
      ...file,
      async write(bytes, position) {
        writes.push({ path: file.path, position });
        if (fault?.strikes(file.path, position) !== true) return file.write(bytes, position);
        await file.write(bytes.subarray(0, fault.arrivingBytes), position);
        throw systemError(fault.code, "write");
      },
      async truncate(lengthBytes) {
        const isStruck = fault?.strikes(file.path, lengthBytes) === true;
        if (isStruck && fault?.code === "EIO") throw systemError("EIO", "ftruncate");
        return file.truncate(lengthBytes);
      },
    };
  }

  return {
    ...inner,
    writes,
    open: async (path, content) => wrap(await inner.open(path, content)),
    fail(next) {
      fault = next;
    },
    heal() {
      fault = null;
    },
  };
}

function systemError(code: Fault["code"], syscall: string): Error {
  const message = `${code}: ${meanings[code]}, ${syscall}`;
  return Object.assign(new Error(message), { code, syscall });
}
