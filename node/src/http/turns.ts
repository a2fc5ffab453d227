/**
 * Reads from only so many clients in one turn of the event loop while calls are being refused.
 *
 * What is refused still costs its parsing, and clients that do not wait can send more of it than a
 * node could even refuse. Node.js reads from every connection that has bytes before it does anything
 * else, so then the connections of clients' calls take turns: most are paused, and what they send
 * stays with its sender (TCP does that). Whoever asks for the node's status, and the members, are
 * read at all times, and wait for few others.
 *
 * Once refusing, no more than `readingMax` of the connections that brought a call are read, and those
 * on which Node.js has just sent an answer, until their next call.
 */
import type { Socket } from "node:net";

export type TurnLimits = {
  /** The fewest that are read at a time, and the most. */
  readonly readingMin: number;
  readonly readingMax: number;
  /** A turn of the loop in which calls take longer than this is followed by one with fewer. */
  readonly callsMs: number;
  /** A connection that brings nothing for so long makes room for the next. */
  readonly turnMs: number;
  /** After the last refusal, connections take turns for so long. */
  readonly calmMs: number;
};

/** A refusal costs some 20 µs on a machine that does nothing else, and ten times that on a busy one. */
export const turnLimits: TurnLimits = {
  readingMin: 16,
  readingMax: 64,
  callsMs: 8,
  turnMs: 5,
  calmMs: 1_000,
};

export type Turns = {
  /** A call came on this connection. */
  arrived(socket: Socket): void;
  /** A call was refused. */
  refused(): void;
};

export function createTurns(limits: TurnLimits): Turns {
  const measure = createMeasure(limits);
  const queue = createQueue(measure.allowed);
  /** Brought a call in this turn of the loop; paused at its end. */
  let arrivals: Socket[] = [];
  let refusedMs = Number.NEGATIVE_INFINITY;
  let rotating: NodeJS.Timeout | null = null;

  /** After the turn's reads: until then, Node.js itself resumes what it has answered. */
  function endTurn(): void {
    const came = arrivals;
    arrivals = [];
    if (rotating === null) return;
    measure.end();
    queue.putBack(came);
  }

  function rotate(): void {
    if (performance.now() - refusedMs <= limits.calmMs) {
      queue.rotate();
      return;
    }
    if (rotating !== null) clearInterval(rotating);
    rotating = null;
    queue.clear();
  }

  return {
    arrived(socket) {
      if (rotating === null) return;
      if (arrivals.length === 0) {
        measure.begin();
        setImmediate(endTurn);
      }
      arrivals.push(socket);
    },
    refused() {
      refusedMs = performance.now();
      rotating ??= setInterval(rotate, limits.turnMs).unref();
    },
  };
}

/** Connections that take turns: some are read, the others are paused. */
function createQueue(allowed: () => number) {
  /** Paused, in the order in which they are read next. */
  const waiting = new Set<Socket>();
  const reading = new Set<Socket>();
  /** Those of `reading` that were not there at the last rotation. */
  let fresh = new Set<Socket>();

  function pause(socket: Socket): void {
    reading.delete(socket);
    if (socket.destroyed) return;
    socket.pause();
    waiting.add(socket);
  }

  function fill(): void {
    for (const socket of waiting) {
      if (reading.size >= allowed()) return;
      waiting.delete(socket);
      if (socket.destroyed) continue;
      socket.resume();
      reading.add(socket);
      fresh.add(socket);
    }
  }

  return {
    /** To the end: these had their turn. */
    putBack(sockets: readonly Socket[]): void {
      for (const socket of sockets) pause(socket);
      fill();
    },
    /** Whoever brought nothing since the last rotation goes to the end. */
    rotate(): void {
      for (const socket of reading) if (!fresh.has(socket)) pause(socket);
      fresh = new Set();
      fill();
    },
    /** All are read again. */
    clear(): void {
      for (const socket of waiting) socket.resume();
      waiting.clear();
      reading.clear();
      fresh.clear();
    },
  };
}

const shrinkBy = 0.7;

/** How many are read at a time: as many as a short turn can take. */
function createMeasure({ readingMin, readingMax, callsMs }: TurnLimits) {
  let allowed = readingMax;
  let sinceMs = 0;
  return {
    begin() {
      sinceMs = performance.now();
    },
    end() {
      allowed =
        performance.now() - sinceMs > callsMs
          ? Math.max(readingMin, Math.floor(allowed * shrinkBy))
          : Math.min(readingMax, allowed + 1);
    },
    allowed: () => allowed,
  };
}
