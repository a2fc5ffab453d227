/**
 * What clients that do not read their answers may cost.
 *
 * Node.js stops reading from a client that does not take its answers, but only after it has handed
 * over every request of the bytes that came at once: some thousand, of an answer each. So requests
 * ahead of their answers are counted, the bytes nobody takes are bounded over all connections, and
 * an answer that is not taken in time costs its client the connection.
 *
 * Costs a few array operations a request; all connections are looked at every `checkMs`, and after
 * every so many bytes of answers.
 */
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Count } from "../runtime/ports.ts";

export type ConnectionLimits = {
  /** Requests of one connection without their answers. */
  readonly aheadMax: number;
  /** For a client to take an answer, once it is there. */
  readonly takeMs: number;
  /** Of answers that no client has taken, over all connections. */
  readonly unsentBytesMax: number;
  readonly checkMs: number;
};

export type Connections = {
  /** False: the client is too far ahead, and its connection was cut. */
  admit(response: ServerResponse, socket: Socket): boolean;
  /** An answer of `bytes` was handed over for sending. */
  answered(bytes: number): void;
  /** The request whose answer comes next on this connection; `null` when all are answered. */
  underWay(socket: Socket): ServerResponse | null;
  cut(socket: Socket, reason: Cut): void;
};

/** Why a connection was closed without an answer; the label of the metric. */
export type Cut =
  /** Requests too far ahead of their answers. */
  | "ahead"
  /** An answer was not taken in time. */
  | "stalled"
  /** Too many bytes wait for all clients together, and more for this one than for others. */
  | "unsent"
  /** What is no HTTP, behind a request under way. */
  | "broken";

type Connection = {
  /** Unanswered ones, and before them some whose answer has left. In order. */
  readonly responses: ServerResponse[];
  /** The answer that the client was seen not to have taken, and since when. */
  waiting: { readonly response: ServerResponse; readonly sinceMs: number } | null;
};

export function watchConnections(
  server: Server,
  limits: ConnectionLimits,
  count: Count,
): Connections {
  const connections = new Map<Socket, Connection>();
  let bytesUnchecked = 0;

  function check(): void {
    bytesUnchecked = 0;
    const nowMs = performance.now();
    const unsent: { readonly socket: Socket; readonly bytes: number }[] = [];
    let total = 0;
    for (const [socket, connection] of connections) {
      if (isStalled(connection, nowMs, limits.takeMs)) {
        cut(socket, "stalled");
        continue;
      }
      const bytes = unsentBytes(socket, connection);
      total += bytes;
      if (bytes > 0) unsent.push({ socket, bytes });
    }
    if (total <= limits.unsentBytesMax) return;
    for (const { socket, bytes } of unsent.sort((a, b) => b.bytes - a.bytes)) {
      cut(socket, "unsent");
      total -= bytes;
      if (total <= limits.unsentBytesMax) return;
    }
  }

  function cut(socket: Socket, reason: Cut): void {
    connections.delete(socket);
    socket.destroy();
    count("http_connections_dropped_total", { reason });
  }

  server.on("connection", (socket) => {
    connections.set(socket, { responses: [], waiting: null });
    socket.once("close", () => connections.delete(socket));
  });
  const timer = setInterval(check, limits.checkMs).unref();
  server.once("close", () => clearInterval(timer));

  return {
    admit(response, socket) {
      const responses = connections.get(socket)?.responses;
      if (responses === undefined) return false;
      dropSent(responses);
      responses.push(response);
      if (responses.length <= limits.aheadMax) return true;
      cut(socket, "ahead");
      return false;
    },
    answered(bytes) {
      bytesUnchecked += bytes;
      if (bytesUnchecked > limits.unsentBytesMax / 2) check();
    },
    underWay(socket) {
      const responses = connections.get(socket)?.responses ?? [];
      dropSent(responses);
      return responses[0] ?? null;
    },
    cut,
  };
}

function dropSent(responses: ServerResponse[]): void {
  while (responses[0]?.writableFinished === true) responses.shift();
}

function isStalled(connection: Connection, nowMs: number, takeMs: number): boolean {
  dropSent(connection.responses);
  const [first] = connection.responses;
  // One that is not answered yet is not the client's fault.
  if (first === undefined || !first.writableEnded) {
    connection.waiting = null;
    return false;
  }
  if (connection.waiting?.response !== first) {
    connection.waiting = { response: first, sinceMs: nowMs };
  }
  return nowMs - connection.waiting.sinceMs >= takeMs;
}

/** On the socket, and behind it in answers whose turn has not come. */
function unsentBytes(socket: Socket, { responses }: Connection): number {
  let bytes = socket.writableLength;
  for (const { socket: own, writableLength } of responses)
    if (own === null) bytes += writableLength;
  return bytes;
}
