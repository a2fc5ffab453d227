/**
 * One process per data directory.
 *
 * Node has no call for file locks; SQLite, which comes with it, takes POSIX record locks. They die
 * with their process however it ends, and hold between containers that share a volume on one
 * kernel. The file stays empty: it is locked, never written.
 *
 * Safety assumes: nothing else in this process opens `lock`. Closing any descriptor of a file drops
 * the process's POSIX locks on it.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "./faults.ts";

export type DirectoryLock = { release(): void };

const sqliteBusy = 5;
// A database that is garbage-collected is closed, and its lock is gone.
const held = new Set<DatabaseSync>();

/** @throws StorageError storage.locked names the holder; storage.unusable */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, "lock");
  const holderPath = join(directory, "lock.holder");
  const database = acquire(path, directory, holderPath);
  held.add(database);
  noteHolder(holderPath);
  return {
    release() {
      held.delete(database);
      rmSync(holderPath, { force: true });
      database.close();
    },
  };
}

function acquire(path: string, directory: string, holderPath: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (!(error instanceof Error)) throw error;
    if ("errcode" in error && error.errcode === sqliteBusy) {
      const holder = readHolder(holderPath);
      throw new StorageError(
        { code: "storage.locked", directory, holder },
        `${directory} is in use by ${holder}: stop it, or choose another directory`,
        { cause: error },
      );
    }
    throw new StorageError(
      { code: "storage.unusable", path, reason: error.message },
      `cannot lock ${path}, which should be an empty file: ${error.message}`,
      { cause: error },
    );
  }
}

/** For the error message of whoever comes second; a full disk is no reason not to start. */
function noteHolder(path: string): void {
  try {
    writeFileSync(path, `process ${process.pid} on host ${hostname()}`);
  } catch {
    rmSync(path, { force: true });
  }
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(0, 200);
  } catch {
    return "another process";
  }
}
