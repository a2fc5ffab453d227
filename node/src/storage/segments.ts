/**
 * The segments being written.
 *
 * A failed write ends its segment. What the system had cached of it may be gone without a further
 * error, so the frame goes to a new segment instead of being synced again; the new one's header
 * says how much of the old one counts.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Log } from "../runtime/ports.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { encodeSegmentHeader, nameOfSegment, segmentHeaderBytes } from "./format.ts";
import { sealFrame } from "./frame.ts";
import { spareSegment } from "./spare.ts";

export const spareName = "spare.segment";

/** A segment that is no longer written. */
export type ClosedSegment = {
  readonly sequence: number;
  /** Highest index of any entry in it, replaced ones too; 0 when it has none. */
  readonly indexMax: number;
};

export type Segments = {
  /**
   * Makes `frame` durable, or rejects: call again, and it goes to a new segment.
   *
   * @param frame its header is filled in here
   * @param indexMax highest index of its entries
   */
  append(frame: Buffer, indexMax: number): Promise<void>;
  /** Ends the segment being written, if it holds anything, and resolves to the next one's number. */
  startNext(): Promise<number>;
  /** First segment that may hold entries after `index`, which need not exist yet. */
  firstAfter(index: number): number;
  /** Deletes the segments before `sequence`, in the background. */
  dropBefore(sequence: number): void;
  close(): Promise<void>;
};

export type SegmentsOptions = {
  readonly directory: string;
  readonly disk: Disk;
  readonly log: Log;
  readonly segmentBytesMax: number;
  /** Ascending. */
  readonly closed: readonly ClosedSegment[];
  readonly nextSequence: number;
  /** Length in bytes of what counts in the last of `closed`. */
  readonly previousEnd: number;
};

type Active = {
  readonly file: DiskFile;
  readonly sequence: number;
  readonly marker: number;
  end: number;
  indexMax: number;
};

export function openSegments(options: SegmentsOptions): Segments {
  const { directory, disk, segmentBytesMax } = options;
  const spare = spareSegment(disk, join(directory, spareName), segmentBytesMax);
  const tidying = inBackground(options);
  let closed = options.closed;
  let { nextSequence, previousEnd } = options;
  let active: Active | null = null;
  spare.prepare();

  async function activate(): Promise<Active> {
    const file = await spare.take();
    try {
      const segment = await begin(file, options, { sequence: nextSequence, previousEnd });
      nextSequence += 1;
      return segment;
    } catch (error) {
      tidying.begin(file.close());
      throw error;
    }
  }

  /** What the segment holds counts; whatever lies behind it does not. */
  function retire({ file, sequence, end, indexMax }: Active): void {
    active = null;
    if (end === segmentHeaderBytes) {
      nextSequence = sequence;
    } else {
      closed = [...closed, { sequence, indexMax }];
      previousEnd = end;
    }
    tidying.begin(file.truncate(end).finally(() => file.close()));
  }

  return {
    async append(frame, indexMax) {
      if (active !== null && isFullFor(active, frame, segmentBytesMax)) retire(active);
      active ??= await activate();
      const segment = active;
      sealFrame(frame, segment.marker);
      try {
        await segment.file.write(frame, segment.end);
      } catch (error) {
        retire(segment);
        throw error;
      }
      segment.end += frame.length;
      segment.indexMax = Math.max(segment.indexMax, indexMax);
      if (segment.end > segmentBytesMax / 2) spare.prepare();
    },
    async startNext() {
      if (active !== null && active.end > segmentHeaderBytes) retire(active);
      active ??= await activate();
      return active.sequence;
    },
    firstAfter(index) {
      const needed = closed.find(({ indexMax }) => indexMax > index);
      return needed?.sequence ?? active?.sequence ?? nextSequence;
    },
    dropBefore(before) {
      for (const { sequence } of closed.filter((segment) => segment.sequence < before)) {
        tidying.begin(disk.remove(join(directory, nameOfSegment(sequence))));
      }
      closed = closed.filter(({ sequence }) => sequence >= before);
    },
    async close() {
      if (active !== null) retire(active);
      tidying.begin(spare.close());
      await tidying.ended();
    },
  };
}

/** Writes the header before the file gets its name: every segment by name has one. */
async function begin(
  file: DiskFile,
  { directory, disk }: SegmentsOptions,
  place: { sequence: number; previousEnd: number },
): Promise<Active> {
  const marker = (randomBytes(4).readUInt32BE() | 1) >>> 0;
  await file.write(encodeSegmentHeader({ ...place, marker }), 0);
  await disk.rename(file.path, join(directory, nameOfSegment(place.sequence)));
  return { file, sequence: place.sequence, marker, end: segmentHeaderBytes, indexMax: 0 };
}

/** A frame larger than a segment gets one of its own, which then grows as it is written. */
function isFullFor(segment: Active, frame: Buffer, segmentBytesMax: number): boolean {
  return segment.end > segmentHeaderBytes && segment.end + frame.length > segmentBytesMax;
}

/** For what no write depends on. A failure leaves a file too many or too long, no more. */
function inBackground({ directory, log }: { directory: string; log: Log }): {
  begin(task: Promise<void>): void;
  ended(): Promise<unknown>;
} {
  const tasks = new Set<Promise<void>>();
  return {
    begin(task) {
      const noted = task
        .catch((error: unknown) => log.warn({ directory, error }, "could not tidy up the journal"))
        .finally(() => tasks.delete(noted));
      tasks.add(noted);
    },
    ended: () => Promise.all(tasks),
  };
}
