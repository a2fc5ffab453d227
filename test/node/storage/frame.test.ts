import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSegmentHeader, readSegmentHeader } from "../../../node/src/storage/format.ts";
import {
  checkFrame,
  encodeFrame,
  frameBytes,
  frameHeaderBytes,
  groupsWithin,
  isFrameBehind,
  readRuns,
  sealFrame,
} from "../../../node/src/storage/frame.ts";
import { entriesAfter, firstEntries } from "./sample.ts";

const marker = 0xdeadbeef;

function frameOf(runs: Parameters<typeof encodeFrame>[1]): Buffer {
  const frame = Buffer.alloc(frameBytes(runs));
  encodeFrame(frame, runs);
  sealFrame(frame, marker);
  return frame;
}

test("a frame has the bytes that the format describes", () => {
  const frame = frameOf([
    { after: 2, entries: [] },
    { after: 0, entries: firstEntries(1) },
  ]);
  expect(frame.toString("hex").match(/.{1,64}/g)).toMatchInlineSnapshot(`
    [
      "deadbeef0000005f09624abc0000000000020000000000000000000000000001",
      "00000027c7421efe0f5541771d8d47efdd5f58fcb33af5368a0ea8da8dbb3874",
      "0b23cf3702000000000001000000000003018bcfe568006131202e2e2e2e2e2e",
      "2e2e2e2e2e2e2e2e2e2e2e",
    ]
  `);
});

test("a segment's header has the bytes that the format describes", () => {
  const header = { sequence: 7, previousEnd: 1234, marker };
  const bytes = encodeSegmentHeader(header);
  expect(bytes.toString("latin1", 0, 8)).toBe("dsc-segm");
  expect(bytes.toString("hex", 8)).toMatchInlineSnapshot(
    `"000000021f23676e00000007000004d2deadbeef2ac8b9cf"`,
  );
  expect(readSegmentHeader(bytes, "here")).toEqual(header);
});

test("every flipped bit of a segment's header shows", () => {
  const bytes = encodeSegmentHeader({ sequence: 7, previousEnd: 1234, marker });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    expect(readSegmentHeader(flipped(bytes, bit), "here")).toBeNull();
  }
});

test("every flipped bit of a frame shows", () => {
  const frame = frameOf([{ after: 0, entries: firstEntries(2) }]);
  expect(checkFrame(frame, 0, marker)).toEqual({ kind: "frame", end: frame.length });
  for (let bit = 0; bit < frame.length * 8; bit += 1) {
    expect(checkFrame(flipped(frame, bit), 0, marker).kind).toBe("fault");
  }
});

test("a frame that is cut short anywhere is none", () => {
  const frame = frameOf([{ after: 0, entries: firstEntries(2) }]);
  for (let length = 1; length < frame.length; length += 1) {
    expect(checkFrame(frame.subarray(0, length), 0, marker).kind).toBe("fault");
  }
});

test("a frame of another segment, in a payload for one, is no frame here", () => {
  const foreign = frameOf([{ after: 0, entries: firstEntries(2) }]);
  const around = Buffer.concat([Buffer.alloc(9, 1), foreign, Buffer.alloc(9, 1)]);
  expect(isFrameBehind(around, 0, marker)).toBe(true);
  expect(isFrameBehind(around, 0, marker + 1)).toBe(false);
});

test("bytes that are no runs of entries are refused, never misread", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const frame = Buffer.concat([Buffer.alloc(frameHeaderBytes), bytes]);
      const runs = readRuns(frame);
      if (runs === null) return;
      const held = runs.flatMap(({ entries }) => entries).map((entry) => entry.bytes.length + 36);
      expect(held.reduce((sum, length) => sum + length, runs.length * 10)).toBe(bytes.length);
    }),
  );
});

test("groups hold the same runs, and no more bytes than they may", () => {
  const run = fc.record({
    after: fc.nat(9),
    count: fc.nat(12),
    bytes: fc.constantFrom(5, 50, 300),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), fc.nat(900), (plan, bytesMax) => {
      const runs = plan.map(({ after, count, bytes }) => {
        const before = firstEntries(after).at(-1);
        const entries =
          before === undefined ? firstEntries(count) : entriesAfter(before, count, "a", bytes);
        return { after, entries };
      });
      const groups = groupsWithin(runs, bytesMax);
      for (const group of groups) {
        const full = group.filter(({ entries }) => entries.length > 0);
        const held = full.reduce((sum, { entries }) => sum + entries.length, 0);
        if (held > 1) expect(frameBytes(full)).toBeLessThanOrEqual(bytesMax);
      }
      expect(replayed(groups.flat())).toEqual(replayed(runs));
    }),
  );
});

function replayed(runs: Parameters<typeof encodeFrame>[1]): string[] {
  const log: string[] = [];
  for (const { after, entries } of runs)
    log.splice(after, log.length, ...entries.map((e) => e.hash));
  return log;
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
