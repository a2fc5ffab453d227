/**
 * Frames over one TLS connection, from either end.
 *
 * The first frame is the hello; until it is verified the other side is a stranger, held to the
 * limits of one.
 */
import type { TLSSocket } from "node:tls";
import { createFrameReader } from "./frame.ts";
import type { Limits } from "./limits.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { createWriter, type Drop } from "./writer.ts";

export type Channel = {
  /** The first frame; `null` when the channel ended before it came. */
  readonly first: Promise<Uint8Array | null>;
  /** The other side is verified: its frames go to `onFrame` from now on. */
  listen(onFrame: (body: Uint8Array) => Rejection | null): void;
  /** Never blocks: `null`, or why the frame was dropped. */
  send(frame: Uint8Array): Drop | null;
  /** Counts one more sweep without a sign of life; returns how many there were in a row. */
  countSilence(): number;
  reject(rejection: Rejection): void;
  /** Ends the connection once what is buffered has left, or `closeMs` have passed. */
  end(): Promise<void>;
  destroy(): void;
  readonly closed: Promise<void>;
};

export function openChannel(
  socket: TLSSocket,
  limits: Limits,
  onRejected: (rejection: Rejection) => void,
): Channel {
  const { promise: first, resolve: resolveFirst } = Promise.withResolvers<Uint8Array | null>();
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<void>();
  let greeted = false;
  let listener: ((body: Uint8Array) => Rejection | null) | null = null;
  let silentSweeps = 0;

  const writer = createWriter(socket, limits, () => {
    silentSweeps = 0;
  });
  const reader = createFrameReader(limits.helloBytesMax, (body) => {
    if (listener !== null) return listener(body);
    if (greeted) return rejection("garbage", "a second frame before the first was answered");
    greeted = true;
    clearTimeout(helloTimer);
    resolveFirst(body);
    return null;
  });
  const helloTimer = setTimeout(
    () => reject(rejection("timeout", `no hello within ${limits.helloMs} ms`)),
    limits.helloMs,
  );

  socket.on("data", (chunk: Uint8Array) => {
    silentSweeps = 0;
    // Bytes that were on their way when the channel was rejected: nobody is to hear of them.
    if (socket.destroyed) return;
    const rejected = reader.push(chunk);
    if (rejected !== null) reject(rejected);
  });
  // Most errors are the other side's business or the network's. Bytes that TLS cannot read are
  // somebody's on the way, and Node.js leaves the connection open: mute, until silence ended it.
  socket.on("error", (error) => {
    socket.destroy();
    const code = "code" in error ? String(error.code) : "";
    if (code.startsWith("ERR_SSL_")) onRejected(rejection("garbage", `TLS: ${code}`));
  });
  socket.on("close", () => {
    clearTimeout(helloTimer);
    resolveFirst(null);
    resolveClosed();
  });

  function reject(rejected: Rejection): void {
    if (socket.destroyed) return;
    socket.destroy();
    onRejected(rejected);
  }

  return {
    first,
    listen: (onFrame) => {
      listener = onFrame;
      reader.allow(limits.frameBytesMax);
    },
    send: writer.write,
    countSilence: () => {
      silentSweeps += 1;
      return silentSweeps;
    },
    reject,
    end: () => {
      writer.flush();
      socket.end();
      const timer = setTimeout(() => socket.destroy(), limits.closeMs);
      return closed.finally(() => clearTimeout(timer));
    },
    destroy: () => socket.destroy(),
    closed,
  };
}
