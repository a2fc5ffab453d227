/** Frames that were changed on their way: what comes out is a frame, or a rejection. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, type Frame } from "../../../node/src/transport/codec.ts";
import { createFrameReader, writeFrame } from "../../../node/src/transport/frame.ts";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { messages, requests, responses } from "../../node/transport/samples.ts";
import { alice, cluster, digest, proofOf } from "../../node/transport/support.ts";
import { change, changes, harm, harms } from "../support/harm.ts";
import { runs } from "../support/runs.ts";

const identity = await createBootIdentity();
const ids = fc.nat();
const frames: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 6, arbitrary: messages.map((message) => ({ kind: "message", message }) as const) },
  fc.record({ kind: fc.constant("request"), id: ids, request: requests }),
  fc.record({ kind: fc.constant("response"), id: ids, response: responses }),
  fc.constant({ kind: "hello", ...cluster, proof: proofOf(alice, identity) } as const),
  fc.constantFrom({ kind: "ping" } as const, { kind: "pong" } as const),
);

const kinds = new Set(["message", "request", "response", "hello", "ping", "pong"]);

/** Whatever was taken for a frame means the same once it is passed on. */
function expectFrameOrRejection(body: Uint8Array): void {
  const decoded = decodeFrame(body, digest);
  if (decoded.kind === "rejection") {
    expect(["garbage", "protocol-version"]).toContain(decoded.reason);
    expect(decoded.detail.length).toBeLessThanOrEqual(200);
    return;
  }
  expect(kinds).toContain(decoded.kind);
  expect(decodeFrame(encodeFrame(decoded).subarray(4), digest)).toEqual(decoded);
}

test("bytes of a frame that were changed give a frame or a rejection", () => {
  fc.assert(
    fc.property(frames, fc.array(harms, { minLength: 1, maxLength: 3 }), (frame, each) => {
      expectFrameOrRejection(each.reduce(harm, encodeFrame(frame).subarray(4)));
    }),
    runs(600),
  );
});

test("headers of which a part was changed give a frame or a rejection", () => {
  fc.assert(
    fc.property(frames, fc.array(changes, { minLength: 1, maxLength: 3 }), (frame, each) => {
      const { header, attachments } = partsOf(encodeFrame(frame).subarray(4));
      const changed = JSON.stringify(each.reduce(change, JSON.parse(header))) ?? "";
      expectFrameOrRejection(writeFrame(changed, attachments).subarray(4));
    }),
    runs(600),
  );
});

test("attachments that were changed, swapped or lost give a frame or a rejection", () => {
  const places = fc.array(fc.tuple(fc.nat(), fc.nat(), harms), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(frames, places, fc.array(changes, { maxLength: 2 }), (frame, moves, each) => {
      const { header, attachments } = partsOf(encodeFrame(frame).subarray(4));
      let present = attachments.map((bytes) => changedJson(bytes, each));
      for (const [from, to, how] of moves) {
        const moved = present.at(from % Math.max(1, present.length)) ?? new Uint8Array(0);
        present = present.toSpliced(to % (present.length + 1), from % 2, harm(moved, how));
      }
      expectFrameOrRejection(writeFrame(header, present).subarray(4));
    }),
    runs(500),
  );
});

test("a stream cut anywhere gives the frames that were in it, whatever their lengths say", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), sizes, (stream, cuts) => {
      const whole = bodiesIn(stream, [stream.length]);
      expect(bodiesIn(stream, cuts)).toEqual(whole);
    }),
    runs(500),
  );
});

/** The frames' bodies, and in the end why the stream was given up, if it was. */
function bodiesIn(stream: Uint8Array, sizes: readonly number[]): readonly unknown[] {
  const found: unknown[] = [];
  const reader = createFrameReader(65_536, (body) => {
    found.push(Buffer.from(body).toString("hex"));
    return null;
  });
  let at = 0;
  for (let turn = 0; at < stream.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    const rejected = reader.push(stream.subarray(at, at + size));
    if (rejected !== null) return [...found, rejected.reason];
    at += size;
  }
  return found;
}

function partsOf(body: Uint8Array): { header: string; attachments: Uint8Array[] } {
  const bytes = Buffer.from(body);
  const headerEnd = 2 + bytes.readUInt16BE(0);
  const attachments: Uint8Array[] = [];
  for (let at = headerEnd; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    attachments.push(new Uint8Array(bytes.subarray(at + 4, end)));
    at = end;
  }
  return { header: bytes.toString("utf8", 2, headerEnd), attachments };
}

function changedJson(bytes: Uint8Array, each: readonly Parameters<typeof change>[1][]): Uint8Array {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return new Uint8Array(Buffer.from(JSON.stringify(each.reduce(change, value)) ?? ""));
  } catch {
    return bytes;
  }
}
