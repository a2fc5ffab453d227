/** Frames out: what is written within one turn of the event loop leaves as one TLS record. */
import type { TLSSocket } from "node:tls";
import type { Limits } from "./limits.ts";

/** Why a frame was dropped; the label of the metric. */
export type Drop = "no-channel" | "buffer-full" | "oversized";

export type Writer = {
  /** `null` when the frame was taken. */
  write(frame: Uint8Array): Drop | null;
  /** What was written so far leaves now. */
  flush(): void;
};

/** @param onProgress a backlog became shorter, so the other side reads */
export function createWriter(socket: TLSSocket, limits: Limits, onProgress: () => void): Writer {
  let corked = false;

  function write(frame: Uint8Array): Drop | null {
    if (socket.destroyed || socket.writableEnded) return "no-channel";
    if (frame.length - 4 > limits.frameBytesMax) return "oversized";
    if (socket.writableLength + frame.length > limits.bufferBytesMax) return "buffer-full";
    if (corked) {
      socket.write(frame);
      return null;
    }
    corked = true;
    socket.cork();
    process.nextTick(flush);
    socket.write(frame, onWritten);
    return null;
  }

  function flush(): void {
    if (!corked) return;
    corked = false;
    socket.uncork();
  }

  // Without a backlog it says nothing: the kernel takes some megabytes for a host that is gone.
  function onWritten(): void {
    if (socket.writableLength > 0) onProgress();
  }

  return { write, flush };
}
