/** Trying until the disk takes it, and saying so meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import type { JournalHealth, Log } from "../runtime/ports.ts";
import { isSystemError, StorageError } from "./faults.ts";

const retryMsMin = 10;
const retryMsMax = 1_000;

export type Persistence = {
  /**
   * Repeats `attempt` while the operating system refuses it; any other error is a broken program
   * and passes through.
   *
   * @throws StorageError storage.closed, once `giveUp` was called and an attempt failed
   */
  until(attempt: () => Promise<void>): Promise<void>;
  health(): JournalHealth;
  giveUp(): void;
};

export function persistently(directory: string, log: Log): Persistence {
  const ended = new AbortController();
  let health: JournalHealth = { ok: true };

  function onFailure(error: NodeJS.ErrnoException): void {
    const reason = `cannot write to ${error.path ?? directory}: ${error.message}`;
    if (health.ok) log.error({ directory, error }, "the disk refuses writes: trying on");
    health = { ok: false, reason };
  }

  function onSuccess(): void {
    if (!health.ok) log.info({ directory }, "the disk takes writes again");
    health = { ok: true };
  }

  return {
    async until(attempt) {
      for (let waitMs = retryMsMin; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
        try {
          await attempt();
          if (!health.ok) onSuccess();
          return;
        } catch (error) {
          if (!isSystemError(error)) throw error;
          onFailure(error);
          await delay(waitMs, undefined, { signal: ended.signal }).catch(() => undefined);
          if (ended.signal.aborted) throw closedFault(directory);
        }
      }
    },
    health: () => health,
    giveUp: () => ended.abort(),
  };
}

export function closedFault(directory: string): StorageError {
  return new StorageError(
    { code: "storage.closed", directory },
    `the journal in ${directory} was closed before the write was durable`,
  );
}
