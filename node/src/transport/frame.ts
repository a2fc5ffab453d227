/**
 * Frames: how messages are laid out in the stream.
 *
 *     u32  bytes that follow
 *     u16  bytes of the header
 *     ...  header, JSON
 *     u32  bytes of an attachment, then the attachment; repeated to the end of the frame
 *
 * Integers are big-endian. Headers are small and typed; attachments carry whatever may be large.
 */
import { type Rejection, rejection } from "./rejection.ts";

const headerBytesMax = 0xffff;

/** @throws RangeError when the header exceeds 65,535 bytes: such things travel as attachments */
export function writeFrame(header: string, attachments: readonly Uint8Array[]): Uint8Array {
  const headerBytes = Buffer.byteLength(header);
  if (headerBytes > headerBytesMax) {
    throw new RangeError(`a frame header of ${headerBytes} bytes, at most ${headerBytesMax} fit`);
  }
  let bytes = 6 + headerBytes;
  for (const { length } of attachments) bytes += 4 + length;

  const frame = Buffer.allocUnsafe(bytes);
  frame.writeUInt32BE(bytes - 4, 0);
  frame.writeUInt16BE(headerBytes, 4);
  let at = 6 + frame.write(header, 6);
  for (const attachment of attachments) {
    at = frame.writeUInt32BE(attachment.length, at);
    frame.set(attachment, at);
    at += attachment.length;
  }
  return frame;
}

export type FrameReader = {
  /** Takes the next bytes of the stream; `onFrame` gets each whole frame, without its length. */
  push(chunk: Uint8Array): Rejection | null;
  /** From now on frames may be this long. */
  allow(bytesMax: number): void;
};

/**
 * Each byte is copied at most once: frames that arrive whole are views of the chunk they came in.
 * A length is refused before memory is set aside for it.
 */
export function createFrameReader(
  bytesMaxAtFirst: number,
  onFrame: (body: Uint8Array) => Rejection | null,
): FrameReader {
  let bytesMax = bytesMaxAtFirst;
  const prefix = Buffer.alloc(4);
  let prefixFilled = 0;
  /** The frame under way, and how much of it is there. */
  let partial: Uint8Array | null = null;
  let partialFilled = 0;

  function push(chunk: Uint8Array): Rejection | null {
    let at = 0;
    while (at < chunk.length) {
      if (partial === null) {
        const taken = Math.min(4 - prefixFilled, chunk.length - at);
        prefix.set(chunk.subarray(at, at + taken), prefixFilled);
        prefixFilled += taken;
        at += taken;
        if (prefixFilled < 4) return null;
        prefixFilled = 0;
        const length = prefix.readUInt32BE();
        if (length > bytesMax) {
          return rejection(
            "oversized",
            `a frame of ${length} bytes, at most ${bytesMax} are allowed`,
          );
        }
        if (length <= chunk.length - at) {
          const rejected = onFrame(chunk.subarray(at, at + length));
          if (rejected !== null) return rejected;
          at += length;
          continue;
        }
        partial = Buffer.allocUnsafeSlow(length);
        partialFilled = 0;
      }
      const taken = Math.min(partial.length - partialFilled, chunk.length - at);
      partial.set(chunk.subarray(at, at + taken), partialFilled);
      partialFilled += taken;
      at += taken;
      if (partialFilled < partial.length) return null;
      const body = partial;
      partial = null;
      const rejected = onFrame(body);
      if (rejected !== null) return rejected;
    }
    return null;
  }

  return {
    push,
    allow: (next) => {
      bytesMax = next;
    },
  };
}

export type Parts = { readonly header: unknown; readonly attachments: Attachments };
/** Read one by one, so that a frame of a million empty ones costs nothing before it is refused. */
export type Attachments = {
  /** `null` when there is no further one, or when it claims more bytes than the frame has. */
  next(): Uint8Array | null;
  /** True once every byte of the frame was read. */
  ended(): boolean;
};

/** Takes a frame, without its length, apart. */
export function readParts(body: Uint8Array): Parts | Rejection {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length < 2) return rejection("garbage", "a frame shorter than its header length");
  const headerEnd = 2 + bytes.readUInt16BE(0);
  if (headerEnd > bytes.length) return rejection("garbage", "a header longer than its frame");
  try {
    const header: unknown = JSON.parse(bytes.toString("utf8", 2, headerEnd));
    return { header, attachments: attachmentsFrom(bytes, headerEnd) };
  } catch {
    return rejection("garbage", "a header that is not JSON");
  }
}

function attachmentsFrom(bytes: Buffer, start: number): Attachments {
  let at = start;
  return {
    next: () => {
      if (bytes.length - at < 4) return null;
      const length = bytes.readUInt32BE(at);
      if (length > bytes.length - at - 4) return null;
      const offset = bytes.byteOffset + at + 4;
      at += 4 + length;
      // A plain view: Buffer's `slice` does not copy, which would surprise whoever reads this.
      return new Uint8Array(bytes.buffer, offset, length);
    },
    ended: () => at === bytes.length,
  };
}
