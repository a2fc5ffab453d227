/**
 * What lies in a data directory. Integers are big-endian; CRC is CRC-32 (IEEE 802.3, as in zlib).
 *
 *   lock, lock.holder   see lock.ts
 *   promises            two slots, at 0 and 4096: a damaged one leaves the other
 *   snapshot            the latest; written as `snapshot.new`, then renamed
 *   00000001.segment …  the log; `spare.segment` is a coming one
 *   *.damaged           what recovery could not use, kept for whoever wants to look
 *
 * Preamble, at the head of every slot, snapshot and segment, in every version:
 *   magic (8, ASCII)  version (4)  CRC of these 12 (4)
 *
 * Slot:      preamble  generation (6)  term (6)  leader boot key (32)  roster hash (32)
 *            CRC of the 76 bytes after the preamble (4)
 * Snapshot:  preamble  header length (4)  header (JSON)  state  CRC of all after the preamble (4)
 *            The header holds all of the snapshot but the state, and names the first segment that
 *            still counts; the state fills the file.
 * Segment:   preamble  sequence (4)  previous end (4)  marker (4)  CRC of these 12 (4)
 *            frames, then zeros to the end of the file
 * Frame:     marker (4)  body length (4)  CRC of length and body (4)  body
 * Body:      runs: after (6)  count (4), then for each entry: length (4)  hash (32)  bytes
 *            A run replaces whatever the log held behind `after`; it may be empty.
 *
 * One frame is what one write made durable, so it is there whole or not at all. The marker is drawn
 * at random for each segment and never 0: it ends a search for frames behind damage, and no client
 * can put a frame into a payload. `previous end` says how much of the segment before counts: behind
 * it may lie the remains of a write that failed, and nothing before it may be missing.
 */
import { crc32 } from "node:zlib";
import { StorageError } from "./faults.ts";

export const formatVersion = 2;
export const magics = { promises: "dsc-prom", snapshot: "dsc-snap", segment: "dsc-segm" } as const;
type Magic = (typeof magics)[keyof typeof magics];

export const preambleBytes = 16;
const magicBytes = 8;

export function writePreamble(target: Buffer, magic: Magic): void {
  target.write(magic, 0, "latin1");
  target.writeUInt32BE(formatVersion, magicBytes);
  target.writeUInt32BE(crc32(target.subarray(0, 12)), 12);
}

/**
 * False when the bytes are no preamble of this kind: damage.
 *
 * @throws StorageError storage.versionUnknown when they are one, of a version that is not ours
 */
export function readPreamble(source: Buffer, magic: Magic, path: string): boolean {
  if (source.length < preambleBytes) return false;
  if (source.toString("latin1", 0, magicBytes) !== magic) return false;
  if (source.readUInt32BE(12) !== crc32(source.subarray(0, 12))) return false;
  const version = source.readUInt32BE(magicBytes);
  if (version === formatVersion) return true;
  throw new StorageError(
    { code: "storage.versionUnknown", path, version, versionSupported: formatVersion },
    `${path} has format version ${version}; this release reads version ${formatVersion} only`,
  );
}

export const segmentHeaderBytes = preambleBytes + 16;

export type SegmentHeader = {
  /** From 1; one more than the segment before. */
  readonly sequence: number;
  /** Length in bytes of what counts in the segment before. */
  readonly previousEnd: number;
  readonly marker: number;
};

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  writePreamble(bytes, magics.segment);
  bytes.writeUInt32BE(header.sequence, preambleBytes);
  bytes.writeUInt32BE(header.previousEnd, preambleBytes + 4);
  bytes.writeUInt32BE(header.marker, preambleBytes + 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(preambleBytes, preambleBytes + 12)), preambleBytes + 12);
  return bytes;
}

/** @throws StorageError storage.versionUnknown */
export function readSegmentHeader(source: Buffer, path: string): SegmentHeader | null {
  if (!readPreamble(source, magics.segment, path) || source.length < segmentHeaderBytes)
    return null;
  const crc = crc32(source.subarray(preambleBytes, preambleBytes + 12));
  if (source.readUInt32BE(preambleBytes + 12) !== crc) return null;
  return {
    sequence: source.readUInt32BE(preambleBytes),
    previousEnd: source.readUInt32BE(preambleBytes + 4),
    marker: source.readUInt32BE(preambleBytes + 8),
  };
}

const segmentName = /^([0-9]{8,10})\.segment$/;

export function nameOfSegment(sequence: number): string {
  return `${String(sequence).padStart(8, "0")}.segment`;
}

/** `null` when the name is not a segment's. */
export function sequenceOf(name: string): number | null {
  const digits = segmentName.exec(name)?.[1];
  return digits === undefined || nameOfSegment(Number(digits)) !== name ? null : Number(digits);
}
