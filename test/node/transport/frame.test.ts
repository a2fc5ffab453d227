import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, readParts, writeFrame } from "../../../node/src/transport/frame.ts";

const attachments = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 });
const frames = fc.array(fc.tuple(fc.json(), attachments), { maxLength: 6 });

function unpack(body: Uint8Array): unknown {
  const parts = readParts(body);
  if ("kind" in parts) return parts;
  const found: Uint8Array[] = [];
  for (let next = parts.attachments.next(); next !== null; next = parts.attachments.next()) {
    found.push(next);
  }
  return [parts.header, found, parts.attachments.ended()];
}

test("frames come out whole and in order, however the stream is cut", () => {
  fc.assert(
    fc.property(
      frames,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (sent, cuts) => {
        const stream = Buffer.concat(sent.map(([header, parts]) => writeFrame(header, parts)));
        const received: unknown[] = [];
        const reader = createFrameReader(10_000, (body) => {
          received.push(unpack(body));
          return null;
        });
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const taken = cuts[turn % cuts.length] ?? 1;
          expect(reader.push(stream.subarray(at, at + taken))).toBeNull();
          at += taken;
        }
        expect(received).toEqual(sent.map(([header, parts]) => [JSON.parse(header), parts, true]));
      },
    ),
  );
});

test("a frame that came in one piece is not copied", () => {
  const frame = writeFrame("{}", [Uint8Array.of(1)]);
  const reader = createFrameReader(100, (body) => {
    expect(body.buffer).toBe(frame.buffer);
    return null;
  });
  expect(reader.push(frame)).toBeNull();
  expect.assertions(2);
});

test("a length beyond the limit is rejected before its bytes come", () => {
  const reader = createFrameReader(100, () => null);
  expect(reader.push(Buffer.of(0, 0, 0))).toBeNull();
  expect(reader.push(Buffer.of(101))).toMatchObject({ reason: "oversized" });
});

test("a raised limit holds for the frames that follow", () => {
  const reader = createFrameReader(1, () => {
    reader.allow(100);
    return null;
  });
  expect(reader.push(Buffer.of(0, 0, 0, 1, 0))).toBeNull();
  expect(reader.push(Buffer.of(0, 0, 0, 100))).toBeNull();
});

test("nothing is read past a frame that was rejected", () => {
  let seen = 0;
  const reader = createFrameReader(100, () => {
    seen += 1;
    return { kind: "rejection", reason: "garbage", detail: "as arranged" };
  });
  const frame = writeFrame("{}", []);
  expect(reader.push(Buffer.concat([frame, frame]))).toMatchObject({ reason: "garbage" });
  expect(seen).toBe(1);
});

test("an 8 MiB frame in 1 KiB pieces is put together in time linear in its length", () => {
  const frame = writeFrame("{}", [Buffer.alloc(8 * 1024 * 1024 - 100, 7)]);
  let bytes = 0;
  const reader = createFrameReader(8 * 1024 * 1024, (body) => {
    bytes = body.length;
    return null;
  });
  const begunMs = performance.now();
  for (let at = 0; at < frame.length; at += 1024) reader.push(frame.subarray(at, at + 1024));
  expect(bytes).toBe(frame.length - 4);
  // Copying what is there again for each piece would move 32 GiB: some ten seconds.
  expect(performance.now() - begunMs).toBeLessThan(2_000);
});

test("a header that does not fit is the caller's mistake", () => {
  expect(() => writeFrame("x".repeat(65_536), [])).toThrow("65536 bytes, at most 65535");
});

test("a malformed body is garbage", () => {
  const malformed = [[], [0], [0, 5, 1], [0, 1, 0x7b]];
  for (const body of malformed) {
    expect(readParts(Uint8Array.from(body))).toMatchObject({ reason: "garbage" });
  }
});

test("an attachment that claims more than the frame has is not given out", () => {
  const parts = readParts(Uint8Array.from([0, 2, 0x7b, 0x7d, 0, 0, 0, 9, 1]));
  if ("kind" in parts) throw new Error(parts.detail);
  expect(parts.attachments.next()).toBeNull();
  expect(parts.attachments.ended()).toBe(false);
});
