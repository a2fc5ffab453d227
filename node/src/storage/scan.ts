/** Finds the frames in the segments of a directory. Nothing is changed here. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { orUnusable } from "./faults.ts";
import {
  nameOfSegment,
  readSegmentHeader,
  type SegmentHeader,
  segmentHeaderBytes,
  sequenceOf,
} from "./format.ts";
import {
  checkFrame,
  type FrameFault,
  isFrameBehind,
  type Run,
  readRuns,
  type StoredEntry,
} from "./frame.ts";

/** A frame and where it lies. */
export type Placed = {
  readonly sequence: number;
  readonly at: number;
  readonly end: number;
  readonly runs: readonly Run<StoredEntry>[];
};

/** Where belief ends: neither `at` nor anything behind it is used. */
export type Cut = {
  readonly sequence: number;
  readonly at: number;
  /** Nothing readable lies behind: the trace of a write that was cut short. */
  readonly torn: boolean;
  readonly fault: FrameFault;
};

export type Scan = { readonly frames: readonly Placed[]; readonly cut: Cut | null };

export function pathOfSegment(directory: string, sequence: number): string {
  return join(directory, nameOfSegment(sequence));
}

/** Ascending. */
export function sequencesIn(directory: string): number[] {
  const found = readdirSync(directory).map(sequenceOf);
  return found.filter((sequence) => sequence !== null).sort((a, b) => a - b);
}

/** @throws StorageError storage.versionUnknown, storage.unusable */
export function readHeaderOf(directory: string, sequence: number): SegmentHeader | null {
  const path = pathOfSegment(directory, sequence);
  const bytes = Buffer.alloc(segmentHeaderBytes);
  orUnusable(path, () => {
    const descriptor = openSync(path, "r");
    try {
      readSync(descriptor, bytes);
    } finally {
      closeSync(descriptor);
    }
  });
  const header = readSegmentHeader(bytes, path);
  return header?.sequence === sequence ? header : null;
}

/**
 * Reads frames in order until one, or a segment, is missing or cannot be believed.
 *
 * @param sequences ascending
 * @param firstSequence the segment with which the log begins
 */
export function scanSegments(
  directory: string,
  sequences: readonly number[],
  firstSequence: number,
): Scan {
  const frames: Placed[] = [];
  for (const [position, sequence] of sequences.entries()) {
    const cut = (fault: FrameFault, at = 0, torn = false): Scan => {
      return { frames, cut: { sequence, at, torn, fault } };
    };
    const expected = firstSequence + position;
    if (sequence !== expected) return cut({ reason: `segment ${expected} is missing before it` });
    const header = readHeaderOf(directory, sequence);
    if (header === null) return cut({ reason: "the segment's header is damaged" });

    const next = sequences[position + 1];
    const end = next === undefined ? undefined : readHeaderOf(directory, next)?.previousEnd;
    const path = pathOfSegment(directory, sequence);
    const bytes = orUnusable(path, () => readFileSync(path));
    const found = framesIn(bytes.subarray(0, end), header);
    frames.push(...found.frames);
    if (found.fault !== null) {
      const torn = next === undefined && !isFrameBehind(bytes, found.end, header.marker);
      return cut(found.fault, found.end, torn);
    }
    if (end !== undefined && found.end < end) {
      return cut({ reason: `frames should reach to ${end}` }, found.end);
    }
  }
  return { frames, cut: null };
}

function framesIn(
  source: Buffer,
  { sequence, marker }: SegmentHeader,
): { frames: Placed[]; end: number; fault: FrameFault | null } {
  const places: { at: number; end: number }[] = [];
  let end = segmentHeaderBytes;
  let check = checkFrame(source, end, marker);
  while (check.kind === "frame") {
    places.push({ at: end, end: check.end });
    end = check.end;
    check = checkFrame(source, end, marker);
  }

  // Entries are views that may live long: of a copy, so that they do not hold on to the zeros.
  const used = Buffer.from(new Uint8Array(source.subarray(0, end)).buffer);
  const frames: Placed[] = [];
  for (const place of places) {
    const runs = readRuns(used.subarray(place.at, place.end));
    if (runs === null) {
      return { frames, end: place.at, fault: { reason: "the frame holds no runs of entries" } };
    }
    frames.push({ sequence, ...place, runs });
  }
  return { frames, end, fault: check.kind === "fault" ? check.fault : null };
}
