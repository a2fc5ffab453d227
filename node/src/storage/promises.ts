/**
 * The promise on the disk. Two slots are written in turn, so a write that is cut short, or a
 * damaged slot, leaves the promise before it. The layout is in format.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Promised } from "../consensus/effect.ts";
import { bootKey, hash, term } from "../consensus/ids.ts";
import type { Count, Log } from "../runtime/ports.ts";
import { copyAside } from "./aside.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { orUnusable } from "./faults.ts";
import { magics, preambleBytes, readPreamble, writePreamble } from "./format.ts";
import { isZeroFrom } from "./frame.ts";

const slotPositions = [0, 4096] as const;
const bodyBytes = 76;
const slotBytes = preambleBytes + bodyBytes + 4;

type Slot = { readonly generation: number; readonly promised: Promised };

export type PromiseFile = {
  readonly recovered: Promised | null;
  /** Resolves once durable. After a rejection, call again: the other slot is untouched. */
  write(promised: Promised): Promise<void>;
  close(): Promise<void>;
};

/** @throws StorageError storage.versionUnknown, storage.unusable */
export function openPromises(options: {
  readonly directory: string;
  readonly disk: Disk;
  readonly log: Log;
  readonly count: Count;
}): PromiseFile {
  const { directory, disk, log, count } = options;
  const path = join(directory, "promises");
  const slots = readSlots(path);
  const damagedAt = slotPositions.filter((_, at) => slots[at] === "damaged");
  // A damaged slot is there until it is written again: one copy of it is enough.
  if (damagedAt.length > 0 && !existsSync(`${path}.damaged`)) copyAside(path, log);
  for (const offset of damagedAt) {
    count("journal_damaged_total");
    log.error(
      { file: path, offset },
      "a promise is damaged: the other one counts, if there is one",
    );
  }
  let newest = newestOf(slots);
  let opened: DiskFile | null = null;

  return {
    recovered: newest?.slot.promised ?? null,
    async write(promised) {
      opened ??= await disk.open(path, "keep");
      const slot = { generation: (newest?.slot.generation ?? 0) + 1, promised };
      const at = newest?.at === 0 ? 1 : 0;
      await opened.write(encodeSlot(slot), slotPositions[at]);
      newest = { at, slot };
    },
    async close() {
      await opened?.close();
    },
  };
}

function readSlots(path: string): (Slot | "empty" | "damaged")[] {
  const bytes = orUnusable(path, () => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0)));
  return slotPositions.map((position) => {
    const slot = bytes.subarray(position, position + slotBytes);
    return isZeroFrom(slot, 0) ? "empty" : (decodeSlot(slot, path) ?? "damaged");
  });
}

function newestOf(
  slots: readonly (Slot | "empty" | "damaged")[],
): { at: number; slot: Slot } | null {
  let newest: { at: number; slot: Slot } | null = null;
  for (const [at, slot] of slots.entries()) {
    if (slot === "empty" || slot === "damaged") continue;
    if (newest === null || slot.generation > newest.slot.generation) newest = { at, slot };
  }
  return newest;
}

function encodeSlot({ generation, promised }: Slot): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  writePreamble(bytes, magics.promises);
  bytes.writeUIntBE(generation, preambleBytes, 6);
  bytes.writeUIntBE(promised.term, preambleBytes + 6, 6);
  bytes.write(promised.leaderBootKey, preambleBytes + 12, 32, "hex");
  bytes.write(promised.rosterHash, preambleBytes + 44, 32, "hex");
  bytes.writeUInt32BE(crcOf(bytes), preambleBytes + bodyBytes);
  return bytes;
}

function decodeSlot(bytes: Buffer, path: string): Slot | null {
  if (!readPreamble(bytes, magics.promises, path) || bytes.length < slotBytes) return null;
  if (bytes.readUInt32BE(preambleBytes + bodyBytes) !== crcOf(bytes)) return null;
  return {
    generation: bytes.readUIntBE(preambleBytes, 6),
    promised: {
      term: term(bytes.readUIntBE(preambleBytes + 6, 6)),
      leaderBootKey: bootKey(bytes.toString("hex", preambleBytes + 12, preambleBytes + 44)),
      rosterHash: hash(bytes.toString("hex", preambleBytes + 44, preambleBytes + 76)),
    },
  };
}

function crcOf(slot: Buffer): number {
  return crc32(slot.subarray(preambleBytes, preambleBytes + bodyBytes));
}
