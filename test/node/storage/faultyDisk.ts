/** The real disk, with faults on demand: what a full or failing device does to the journal. */
import type { Disk, DiskFile } from "../../../node/src/storage/disk.ts";

export type Fault = {
  readonly code: "ENOSPC" | "EIO" | "EDQUOT";
  /** How much of what is written arrives all the same. */
  readonly arrivingBytes: number;
  /** Which files it strikes. */
  readonly strikes: (path: string) => boolean;
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
        if (fault?.strikes(file.path) !== true) return file.write(bytes, position);
        await file.write(bytes.subarray(0, fault.arrivingBytes), position);
        throw systemError(fault.code);
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

function systemError(code: Fault["code"]): Error {
  const message = `${code}: ${meanings[code]}, write`;
  return Object.assign(new Error(message), { code, syscall: "write" });
}
