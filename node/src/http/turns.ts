/**
 * Reads from only so many clients in one turn of the event loop while calls are being refused.
 *
 * What is refused still costs its parsing, and clients that do not wait can send more of it than a
 * node could even refuse. Node.js reads from every connection that has bytes before it does anything
 * else, so then the connections of clients' calls take turns: most are paused, and what they send
 * stays with its sender (TCP does that). Whoever asks for the node's status, and the members, are
 * read at all times, and wait for few others.
 *
 * Invariant: while refusing, at most `readingMax` of the connections that brought a call are read.
 */
import type { Socket } from "node:net";

export type TurnLimits = {
  /** At some 20 µs for a refusal, this bounds a turn. */
  readonly readingMax: number;
  /** A connection that brings nothing for so long makes room for the next. */
  readonly turnMs: number;
  /** After the last refusal, connections take turns for so long. */
  readonly calmMs: number;
};

export const turnLimits: TurnLimits = { readingMax: 32, turnMs: 10, calmMs: 1_000 };

export type Turns = {
  /** A call came on this connection. */
  arrived(socket: Socket): void;
  /** A call was refused. */
  refused(): void;
};

export function createTurns({ readingMax, turnMs, calmMs }: TurnLimits): Turns {
  /** Brought a call in this turn of the loop; paused at its end. */
  let arrivals: Socket[] = [];
  /** Paused, in the order in which they are read next. */
  const waiting = new Set<Socket>();
  const reading = new Set<Socket>();
  /** Those of `reading` that have been for less than a turn. */
  let fresh = new Set<Socket>();
  let refusedMs = Number.NEGATIVE_INFINITY;
  let rotating: NodeJS.Timeout | null = null;

  function pause(socket: Socket): void {
    reading.delete(socket);
    if (socket.destroyed) return;
    socket.pause();
    waiting.add(socket);
  }

  function fill(): void {
    for (const socket of waiting) {
      if (reading.size >= readingMax) return;
      waiting.delete(socket);
      if (socket.destroyed) continue;
      socket.resume();
      reading.add(socket);
      fresh.add(socket);
    }
  }

  /** After the turn's reads: until then, Node.js itself resumes what it has answered. */
  function endTurn(): void {
    const came = arrivals;
    arrivals = [];
    if (rotating === null) return;
    for (const socket of came) pause(socket);
    fill();
  }

  function rotate(): void {
    if (performance.now() - refusedMs > calmMs) {
      stop();
      return;
    }
    for (const socket of reading) if (!fresh.has(socket)) pause(socket);
    fresh = new Set();
    fill();
  }

  function stop(): void {
    if (rotating !== null) clearInterval(rotating);
    rotating = null;
    for (const socket of waiting) socket.resume();
    waiting.clear();
    reading.clear();
    fresh.clear();
  }

  return {
    arrived(socket) {
      if (rotating === null) return;
      if (arrivals.length === 0) setImmediate(endTurn);
      arrivals.push(socket);
    },
    refused() {
      refusedMs = performance.now();
      rotating ??= setInterval(rotate, turnMs).unref();
    },
  };
}
