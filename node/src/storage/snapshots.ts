/**
 * The snapshot on the disk: one file, replaced as a whole. The layout is in format.ts.
 *
 * The state may be large: it is written from where it lies, in pieces, and read into the one array
 * that becomes the snapshot's.
 */
import { strict as assert } from "node:assert";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { type BootKey, bootKey, hash, type MemberId, memberId, term } from "../consensus/ids.ts";
import type { Snapshot } from "../consensus/snapshot.ts";
import type { Disk } from "./disk.ts";
import { orUnusable } from "./faults.ts";
import { magics, preambleBytes, readPreamble, writePreamble } from "./format.ts";
import { covers } from "./frontier.ts";

const pieceBytes = 1_048_576;
const fixedBytes = preambleBytes + 4;
const crcBytes = 4;

/** `firstSegment`: what lies in earlier segments no longer counts. */
export type StoredSnapshot = { readonly snapshot: Snapshot; readonly firstSegment: number };

export function snapshotPath(directory: string): string {
  return join(directory, "snapshot");
}

/** Resolves once durable; until then the snapshot before stays in place. */
export async function writeSnapshot(
  disk: Disk,
  directory: string,
  { snapshot, firstSegment }: StoredSnapshot,
): Promise<void> {
  const path = snapshotPath(directory);
  const head = encodeHead(snapshot, firstSegment);
  const file = await disk.open(`${path}.new`, "empty");
  try {
    await file.write(head, 0);
    let crc = crc32(head.subarray(preambleBytes));
    for (let at = 0; at < snapshot.state.length; at += pieceBytes) {
      const piece = snapshot.state.subarray(at, at + pieceBytes);
      crc = crc32(piece, crc);
      await file.write(piece, head.length + at);
    }
    const tail = Buffer.alloc(crcBytes);
    tail.writeUInt32BE(crc);
    await file.write(tail, head.length + snapshot.state.length);
  } catch (error) {
    await file.close().catch(() => undefined);
    await disk.remove(file.path).catch(() => undefined);
    throw error;
  }
  await file.close();
  await disk.rename(file.path, path);
}

/**
 * `null` when there is none, `damaged` when there is one that cannot be believed.
 *
 * @throws StorageError storage.versionUnknown, storage.unusable
 */
export function readSnapshot(directory: string): StoredSnapshot | "damaged" | null {
  const path = snapshotPath(directory);
  return orUnusable(path, () => {
    if (!existsSync(path)) return null;
    const descriptor = openSync(path, "r");
    try {
      return decode(descriptor, path) ?? "damaged";
    } finally {
      closeSync(descriptor);
    }
  });
}

function decode(descriptor: number, path: string): StoredSnapshot | null {
  const fileBytes = fstatSync(descriptor).size;
  const fixed = Buffer.alloc(Math.min(fixedBytes, fileBytes));
  readAt(descriptor, fixed, 0);
  if (!readPreamble(fixed, magics.snapshot, path) || fileBytes < fixedBytes + crcBytes) return null;

  const stateEnd = fileBytes - crcBytes;
  const stateStart = fixedBytes + fixed.readUInt32BE(preambleBytes);
  if (stateStart > stateEnd) return null;
  const json = Buffer.alloc(stateStart - fixedBytes);
  const state = new Uint8Array(stateEnd - stateStart);
  const tail = Buffer.alloc(crcBytes);
  readAt(descriptor, json, fixedBytes);
  readAt(descriptor, state, stateStart);
  readAt(descriptor, tail, stateEnd);

  const crc = crc32(state, crc32(json, crc32(fixed.subarray(preambleBytes))));
  if (tail.readUInt32BE() !== crc) return null;
  const header = parseHeader(json);
  if (header === null) return null;
  const { at, seats, tree, firstSegment } = header;
  return { snapshot: { at, seats, tree, state }, firstSegment };
}

/** One call of the system reads 2 GiB at most, and may read less than it was asked for. */
function readAt(descriptor: number, target: Uint8Array, position: number): void {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(target.length - done, 1 << 30);
    const taken = readSync(descriptor, target, done, length, position + done);
    if (taken === 0) return;
    done += taken;
  }
}

function encodeHead({ at, seats, tree }: Snapshot, firstSegment: number): Buffer {
  assert(covers(tree, at.index), `a snapshot at ${at.index} with the tree of ${tree.size} entries`);
  const header: z.input<typeof headerShape> = {
    at,
    seats: {
      valid: [...seats.valid],
      named: [...seats.named],
      rosters: seats.rosters.map(({ index, term: since, roster }) => ({
        index,
        term: since,
        roster: { hash: roster.hash, members: [...roster.members] },
      })),
      namedAt: [...seats.namedAt],
      coldTerm: seats.coldTerm,
    },
    tree: { size: tree.size, roots: [...tree.roots] },
    firstSegment,
  };
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(fixedBytes + json.length);
  writePreamble(head, magics.snapshot);
  head.writeUInt32BE(json.length, preambleBytes);
  head.set(json, fixedBytes);
  return head;
}

function parseHeader(json: Buffer): z.output<typeof headerShape> | null {
  try {
    const header = headerShape.parse(JSON.parse(json.toString()));
    return covers(header.tree, header.at.index) ? header : null;
  } catch {
    return null;
  }
}

const indexShape = z.int().nonnegative();
const termShape = indexShape.transform(term);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const hashShape = hex32.transform(hash);
const keyShape = hex32.transform(bootKey);
const idShape = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/)
  .transform(memberId);
const rosterShape = z.object({
  hash: hashShape,
  members: z.array(z.object({ slot: z.int().min(0).max(255), id: idShape, bootKey: keyShape })),
});
const headerShape = z.object({
  at: z.object({ index: indexShape, term: termShape, hash: hashShape }),
  seats: z.object({
    valid: z
      .array(z.tuple([idShape, keyShape]))
      .transform((pairs): ReadonlyMap<MemberId, BootKey> => new Map(pairs)),
    named: z.array(keyShape).transform((keys): ReadonlySet<BootKey> => new Set(keys)),
    rosters: z.array(z.object({ index: indexShape, term: termShape, roster: rosterShape })),
    namedAt: z
      .array(z.tuple([idShape, indexShape]))
      .transform((pairs): ReadonlyMap<MemberId, number> => new Map(pairs)),
    coldTerm: termShape,
  }),
  tree: z.object({ size: indexShape, roots: z.array(hashShape) }),
  firstSegment: z.int().positive(),
});
