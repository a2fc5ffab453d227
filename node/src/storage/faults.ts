import { ClusterError } from "../errors.ts";

export type StorageFault =
  /** Another live process holds the directory. */
  | { readonly code: "storage.locked"; readonly directory: string; readonly holder: string }
  /** Written by another release; nothing in the directory was changed. */
  | {
      readonly code: "storage.versionUnknown";
      readonly path: string;
      readonly version: number;
      readonly versionSupported: number;
    }
  /** The operating system refuses the path, whatever the file's content. */
  | { readonly code: "storage.unusable"; readonly path: string; readonly reason: string }
  /** The journal was closed before the write was durable, or before it was asked for. */
  | { readonly code: "storage.closed"; readonly directory: string };

export class StorageError extends ClusterError<StorageFault> {
  override readonly name = "StorageError";
}

/** An error of the operating system, as opposed to one of this program. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** Runs `action`; what the operating system refuses becomes a fault that names the path. */
export function orUnusable<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw unusable(path, error);
  }
}

/** What to throw for an error met at or below `at`: itself, unless the operating system raised it. */
export function unusable(at: string, error: unknown): unknown {
  if (!isSystemError(error) && !isTooLarge(error)) return error;
  // A failed read does not say of what.
  const path = (isSystemError(error) ? error.path : undefined) ?? at;
  const fault = { code: "storage.unusable", path, reason: error.message } as const;
  return new StorageError(fault, `cannot use ${path}: ${error.message}`, { cause: error });
}

/** Node.js reads no file of more than 2 GiB at once; nothing here writes one that it would. */
function isTooLarge(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_FS_FILE_TOO_LARGE";
}
