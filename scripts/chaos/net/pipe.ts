/**
 * One direction of a connection, led through a link.
 *
 * Invariant: bytes arrive whole and in order, whatever the link does; that one end is gone is told
 * to the other by the same way, hence not while the link is cut.
 */
import type { Socket } from "node:net";
import { type Link, stallMs } from "./link.ts";

/** Bytes, or how the sending end was closed: in order, or by its process's end. */
type Word = Buffer | "end" | "gone";
type Piece = { readonly word: Word; readonly dueMs: number };

/** What waits here; beyond it the sender's own buffers fill, as with any slow receiver. */
const waitingBytesMax = 256 * 1024;

export function pipe(from: Socket, to: Socket, link: Link): void {
  const queue: Piece[] = [];
  let waitingBytes = 0;
  let [dueMs, freeMs] = [0, 0];
  let timer: NodeJS.Timeout | null = null;

  function enqueue(word: Word): void {
    dueMs = Math.max(dueMs, arrivalMs(typeof word === "string" ? 0 : word.length));
    queue.push({ word, dueMs });
    release();
  }

  function arrivalMs(bytes: number): number {
    const { delayMs, jitterMs, loss, bytesPerSecond } = link.state();
    const nowMs = performance.now();
    if (bytesPerSecond !== null) {
      freeMs = Math.max(freeMs, nowMs) + (1_000 * bytes) / bytesPerSecond;
    }
    const held = stallMs(loss, Math.random) + delayMs + jitterMs * Math.random();
    return Math.max(nowMs, bytesPerSecond === null ? 0 : freeMs) + held;
  }

  function release(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    for (let next = queue[0]; next !== undefined && !link.state().cut; next = queue[0]) {
      const inMs = next.dueMs - performance.now();
      if (inMs > 0.5) {
        timer = setTimeout(release, inMs);
        return;
      }
      queue.shift();
      deliver(next.word);
    }
  }

  function deliver(word: Word): void {
    if (word === "gone") to.destroy();
    else if (word === "end") to.end();
    else {
      waitingBytes -= word.length;
      link.delivering(word.length);
      if (!to.destroyed && !to.write(word)) from.pause();
      else if (waitingBytes < waitingBytesMax) from.resume();
    }
  }

  from.on("data", (bytes: Buffer) => {
    waitingBytes += bytes.length;
    if (waitingBytes >= waitingBytesMax) from.pause();
    enqueue(bytes);
  });
  to.on("drain", () => from.resume());
  from.on("end", () => enqueue("end"));
  from.on("close", () => enqueue("gone"));
  const forget = link.onChange(release);
  to.on("close", () => {
    forget();
    if (timer !== null) clearTimeout(timer);
    queue.length = 0;
  });
}
