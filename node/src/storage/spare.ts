/**
 * The coming segment: a file of zeros, prepared in the background. Writing into it changes no
 * file's size, so the file system has nothing but the data itself to sync (measured: a seventh
 * to a third off the median).
 */
import type { Disk, DiskFile } from "./disk.ts";

const zeros = Buffer.alloc(131_072);

export type Spare = {
  /** Begins unless it has begun. A failure shows in `take`. */
  prepare(): void;
  /** Resolves to the prepared file. A rejection leaves nothing behind: ask again. */
  take(): Promise<DiskFile>;
  close(): Promise<void>;
};

export function spareSegment(disk: Disk, path: string, sizeBytes: number): Spare {
  let prepared: Promise<DiskFile> | null = null;

  function prepare(): Promise<DiskFile> {
    prepared ??= makeSpare(disk, path, sizeBytes);
    // Whoever takes it learns of a failure; until then nobody depends on it.
    prepared.catch(() => undefined);
    return prepared;
  }

  return {
    prepare: () => void prepare(),
    take() {
      const taken = prepare();
      prepared = null;
      return taken;
    },
    async close() {
      const file = await prepared?.catch(() => null);
      if (!file) return;
      await file.close();
      await disk.remove(path);
    },
  };
}

async function makeSpare(disk: Disk, path: string, sizeBytes: number): Promise<DiskFile> {
  const file = await disk.open(path, "empty");
  try {
    for (let at = 0; at < sizeBytes; at += zeros.length) {
      await file.write(zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at);
    }
    return file;
  } catch (error) {
    await file.close().catch(() => undefined);
    // A spare cut short only takes away room that is needed elsewhere.
    await disk.remove(path).catch(() => undefined);
    throw error;
  }
}
