/** Frames: what one write makes durable. The layout is in format.ts. */
import { crc32 } from "node:zlib";
import type { Entry } from "../consensus/entry.ts";

/** Entries after `after` are replaced by `entries`. */
export type Run<Item> = { readonly after: number; readonly entries: readonly Item[] };
/** An entry as it lies on the disk: nothing about it is believed yet. */
export type StoredEntry = { readonly bytes: Uint8Array; readonly hash: Uint8Array };

/** Marker, body length, CRC. `encodeFrame` leaves it free, `sealFrame` fills it in. */
export const frameHeaderBytes = 12;
const runHeaderBytes = 10;
const entryHeaderBytes = 36;
const hashBytes = 32;

/** Cuts runs into groups whose frames have at most `bytesMax`, or hold a single entry. */
export function groupsWithin(
  runs: readonly Run<Entry>[],
  bytesMax: number,
): (readonly Run<Entry>[])[] {
  if (frameBytes(runs) <= bytesMax) return [runs];
  let group: Run<Entry>[] = [];
  let sizeBytes = frameHeaderBytes;
  const groups = [group];
  for (const run of runs) {
    let first = 0;
    sizeBytes += runHeaderBytes;
    for (const [at, entry] of run.entries.entries()) {
      const entryBytes = entryHeaderBytes + entry.bytes.length;
      if (sizeBytes + entryBytes > bytesMax && (at > first || group.length > 0)) {
        group.push(partOf(run, first, at));
        group = [];
        groups.push(group);
        first = at;
        sizeBytes = frameHeaderBytes + runHeaderBytes;
      }
      sizeBytes += entryBytes;
    }
    group.push(partOf(run, first, run.entries.length));
  }
  return groups;
}

function partOf(run: Run<Entry>, first: number, end: number): Run<Entry> {
  return { after: run.after + first, entries: run.entries.slice(first, end) };
}

export function frameBytes(runs: readonly Run<Entry>[]): number {
  let bytes = frameHeaderBytes;
  for (const { entries } of runs) {
    bytes += runHeaderBytes;
    for (const entry of entries) bytes += entryHeaderBytes + entry.bytes.length;
  }
  return bytes;
}

/** Fills `target`, which has exactly `frameBytes(runs)`, all but the frame's header. */
export function encodeFrame(target: Buffer, runs: readonly Run<Entry>[]): void {
  let at = frameHeaderBytes;
  for (const { after, entries } of runs) {
    target.writeUIntBE(after, at, 6);
    target.writeUInt32BE(entries.length, at + 6);
    at += runHeaderBytes;
    for (const entry of entries) {
      target.writeUInt32BE(entry.bytes.length, at);
      target.write(entry.hash, at + 4, hashBytes, "hex");
      target.set(entry.bytes, at + entryHeaderBytes);
      at += entryHeaderBytes + entry.bytes.length;
    }
  }
}

/** The header names the segment, so a frame that moves to another segment is sealed again. */
export function sealFrame(frame: Buffer, marker: number): void {
  frame.writeUInt32BE(marker, 0);
  frame.writeUInt32BE(frame.length - frameHeaderBytes, 4);
  frame.writeUInt32BE(frameCrc(frame), 8);
}

function frameCrc(frame: Buffer): number {
  return crc32(frame.subarray(frameHeaderBytes), crc32(frame.subarray(4, 8)));
}

export type FrameFault = {
  readonly reason: string;
  readonly expectedCrc?: number;
  readonly actualCrc?: number;
};
export type FrameCheck =
  | { readonly kind: "frame"; readonly end: number }
  | { readonly kind: "end" }
  | { readonly kind: "fault"; readonly fault: FrameFault };

/** What lies at `at`: a whole frame, nothing but zeros (`end`), or something else. */
export function checkFrame(source: Buffer, at: number, marker: number): FrameCheck {
  if (isZeroFrom(source, at)) return { kind: "end" };
  const fault = (reason: string): FrameCheck => ({ kind: "fault", fault: { reason } });
  if (source.length - at < frameHeaderBytes) return fault("the frame's header is incomplete");
  if (source.readUInt32BE(at) !== marker) return fault("no frame begins here");
  const end = at + frameHeaderBytes + source.readUInt32BE(at + 4);
  if (end > source.length) return fault(`the frame should reach to ${end}: the file is shorter`);
  const frame = source.subarray(at, end);
  const expectedCrc = frame.readUInt32BE(8);
  const actualCrc = frameCrc(frame);
  if (expectedCrc === actualCrc) return { kind: "frame", end };
  return { kind: "fault", fault: { reason: "the frame's CRC differs", expectedCrc, actualCrc } };
}

/** True when a whole frame begins anywhere behind `at`: then what lies at `at` is no torn tail. */
export function isFrameBehind(source: Buffer, at: number, marker: number): boolean {
  const needle = Buffer.alloc(4);
  needle.writeUInt32BE(marker);
  for (let found = source.indexOf(needle, at + 1); found >= 0; ) {
    if (checkFrame(source, found, marker).kind === "frame") return true;
    found = source.indexOf(needle, found + 1);
  }
  return false;
}

/** The runs in a whole frame, as views into it; `null` when it holds something else. */
export function readRuns(frame: Buffer): Run<StoredEntry>[] | null {
  const runs: Run<StoredEntry>[] = [];
  let at = frameHeaderBytes;
  while (at < frame.length) {
    if (frame.length - at < runHeaderBytes) return null;
    const after = frame.readUIntBE(at, 6);
    const count = frame.readUInt32BE(at + 6);
    const entries: StoredEntry[] = [];
    at += runHeaderBytes;
    while (entries.length < count) {
      if (frame.length - at < entryHeaderBytes) return null;
      const end = at + entryHeaderBytes + frame.readUInt32BE(at);
      if (end > frame.length) return null;
      entries.push({
        hash: view(frame, at + 4, at + 4 + hashBytes),
        bytes: view(frame, at + entryHeaderBytes, end),
      });
      at = end;
    }
    runs.push({ after, entries });
  }
  return runs;
}

/** A plain Uint8Array, whatever `source` is: entries must not differ by where they came from. */
function view(source: Buffer, start: number, end: number): Uint8Array {
  return new Uint8Array(source.buffer, source.byteOffset + start, end - start);
}

const zeros = Buffer.alloc(65_536);

export function isZeroFrom(source: Buffer, from: number): boolean {
  for (let at = from; at < source.length; at += zeros.length) {
    const end = Math.min(at + zeros.length, source.length);
    if (source.compare(zeros, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}
