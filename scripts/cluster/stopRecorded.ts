/** Ends a cluster that another process started, by what it left in its record. */
import { isRunning, type ProcessIdentity, signalVerified } from "./identity.ts";
import { type Layout, removeFarSockets } from "./layout.ts";
import { type RecordedProcess, readRecord, writeRecord } from "./record.ts";
import { becomes } from "./wait.ts";

/** A starter ends its processes within 5 s; left alone, processes get the same. */
const graceMs = 5_000;
const killedWithinMs = 2_000;

/**
 * Asks the starter to stop everything; if it was killed, asks the processes that it left behind.
 * Only processes recorded there, of that very birth, are signalled.
 *
 * @returns what was ended
 * @throws StartError when the record is damaged
 */
export async function stopRecorded(layout: Layout): Promise<readonly RecordedProcess[]> {
  const record = readRecord(layout.record);
  if (record === null) return [];
  const starter = [record.supervisor].filter((each) => each !== null).filter(isRunning);
  const all = [...record.processes.filter(isRunning), ...starter];
  if (all.length === 0) return [];

  await end(starter.length > 0 ? starter : all, all);
  // A starter that is gone by now has written its own last word, or never will.
  const last = readRecord(layout.record) ?? record;
  if (last.supervisor !== null) {
    removeFarSockets(last.socketDir);
    await writeRecord(layout.record, { ...last, supervisor: null, processes: [] });
  }
  return all;
}

async function end(
  asked: readonly ProcessIdentity[],
  all: readonly ProcessIdentity[],
): Promise<void> {
  for (const process of asked) {
    signalVerified(process, "SIGTERM");
    signalVerified(process, "SIGCONT");
  }
  if (await becomes(() => !all.some(isRunning), graceMs)) return;
  for (const process of all) signalVerified(process, "SIGKILL");
  await becomes(() => !all.some(isRunning), killedWithinMs);
}
