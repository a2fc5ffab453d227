/**
 * An open loop: requests are sent when the schedule says, whether or not answers come. What a
 * closed loop hides, since its clients wait with the server, shows here.
 */
import { becomes } from "../../cluster/wait.ts";
import { percentile } from "../percentile.ts";
import type { Answer } from "./answers.ts";
import { type Connection, openConnection, requestText } from "./connection.ts";

export type OpenLoopOrder = {
  /** Origins; requests go to them in turn. */
  readonly urls: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
  /** In all, shared evenly. */
  readonly connections: number;
  /** Unanswered requests of one connection; when all are full, a request is not sent. */
  readonly depthMax: number;
  /** An answer that takes longer is counted as a time-out, as is none. */
  readonly timeoutMs: number;
};

export type OpenLoopResult = {
  readonly elapsedSeconds: number;
  /** By the schedule. */
  readonly due: number;
  /** Due, but no connection had room. */
  readonly unsent: number;
  /** Answers within the time-out, by status. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Answers of status 503 with code `overloaded`, and those among them with `Retry-After`. */
  readonly shed: number;
  readonly shedWithRetryAfter: number;
  readonly timedOut: number;
  /** Requests on connections that ended before the answer. */
  readonly cut: number;
  readonly acknowledgedMs: Latencies;
  readonly shedMs: Latencies;
};

export type Latencies = { readonly p50: number; readonly p99: number; readonly max: number };

const tickMs = 1;
/** Handshakes at once: listen queues hold a few hundred. */
const opensPerTick = 32;

export async function runOpenLoop(order: OpenLoopOrder): Promise<OpenLoopResult> {
  const tally = createTally(order.timeoutMs);
  const pool = createPool(order, tally);
  await pool.filled;
  const startedMs = performance.now();
  const endMs = startedMs + order.seconds * 1_000;
  await new Promise<void>((resolve) => {
    const ticking = setInterval(() => {
      const nowMs = Math.min(performance.now(), endMs);
      while (tally.due() < ((nowMs - startedMs) / 1_000) * order.perSecond) {
        const dueMs = startedMs + (tally.due() / order.perSecond) * 1_000;
        tally.onDue(pool.send(dueMs));
      }
      if (nowMs < endMs) return;
      clearInterval(ticking);
      resolve();
    }, tickMs);
  });
  await pool.settled(order.timeoutMs);
  pool.close();
  return tally.result(order.seconds);
}

type Tally = ReturnType<typeof createTally>;

function createTally(timeoutMs: number) {
  let due = 0;
  let unsent = 0;
  let answered = 0;
  let shed = 0;
  let shedWithRetryAfter = 0;
  let late = 0;
  let cut = 0;
  const byStatus: Record<string, number> = {};
  const acknowledged: number[] = [];
  const refused: number[] = [];
  return {
    due: () => due,
    onDue(sent: boolean) {
      due += 1;
      if (!sent) unsent += 1;
    },
    onAnswer({ status, retryAfterSeconds, body }: Answer, latencyMs: number) {
      answered += 1;
      if (latencyMs > timeoutMs) {
        late += 1;
        return;
      }
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      if (status === 200) acknowledged.push(latencyMs);
      if (status !== 503 || !body.includes('"code":"overloaded"')) return;
      shed += 1;
      refused.push(latencyMs);
      if (retryAfterSeconds !== null) shedWithRetryAfter += 1;
    },
    onCut(requests: number) {
      cut += requests;
    },
    result: (elapsedSeconds: number): OpenLoopResult => ({
      elapsedSeconds,
      due,
      unsent,
      byStatus,
      shed,
      shedWithRetryAfter,
      timedOut: late + (due - unsent - answered - cut),
      cut,
      acknowledgedMs: latenciesOf(acknowledged),
      shedMs: latenciesOf(refused),
    }),
  };
}

export function latenciesOf(milliseconds: readonly number[]): Latencies {
  const ascending = Float64Array.from(milliseconds).sort();
  return {
    p50: percentile(ascending, 0.5),
    p99: percentile(ascending, 0.99),
    max: ascending.at(-1) ?? Number.NaN,
  };
}

function createPool({ urls, connections, depthMax }: OpenLoopOrder, tally: Tally) {
  const origins = urls.map((url) => new URL(url));
  const requests = origins.map((origin) => requestText("POST", origin, "/increment"));
  const slots: Connection[] = [];
  const room = createRoom(connections, depthMax);
  let closing = false;

  function open(position: number): void {
    const origin = origins[position % origins.length];
    if (origin === undefined) throw new Error("expected at least one URL");
    slots[position] = openConnection(origin, {
      onAnswer(answer, latencyMs) {
        room.put(position);
        tally.onAnswer(answer, latencyMs);
      },
      onEnd(unanswered) {
        if (closing) return;
        tally.onCut(unanswered);
        for (let each = 0; each < unanswered; each++) room.put(position);
        open(position);
      },
    });
  }

  const filled = new Promise<void>((resolve) => {
    const opening = setInterval(() => {
      for (let each = 0; each < opensPerTick && slots.length < connections; each++) {
        open(slots.length);
      }
      if (slots.length < connections) return;
      clearInterval(opening);
      resolve();
    }, tickMs);
  });

  return {
    filled,
    /** @returns false when no connection has room */
    send(dueMs: number): boolean {
      const position = room.take();
      if (position === null) return false;
      slots[position]?.send(requests[position % requests.length] ?? "", dueMs);
      return true;
    },
    /** Resolves once all is answered, or `msMax` have passed. */
    settled: (msMax: number): Promise<boolean> =>
      becomes(() => slots.every((slot) => slot.outstanding() === 0), msMax),
    close(): void {
      closing = true;
      for (const slot of slots) slot.close();
    },
  };
}

/** Places for requests: `depthMax` on each connection, the one that was free longest first. */
function createRoom(connections: number, depthMax: number) {
  const ring = Int32Array.from({ length: connections * depthMax }, (_, at) => at % connections);
  let first = 0;
  let held = ring.length;
  return {
    take(): number | null {
      if (held === 0) return null;
      const position = ring[first] ?? null;
      first = (first + 1) % ring.length;
      held -= 1;
      return position;
    },
    put(position: number): void {
      ring[(first + held) % ring.length] = position;
      held += 1;
    },
  };
}
