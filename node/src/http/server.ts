/**
 * The HTTP server: limits at the door, and an orderly end.
 *
 * Liveness assumes: a client that stalls loses its connection, not the node.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ClusterError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { type AppOptions, createApp, otherPath } from "./app.ts";
import { type ConnectionLimits, watchConnections } from "./connections.ts";
import { type Guard, guardService } from "./guard.ts";
import { incrementHot, isHot } from "./hotPath.ts";
import { connectionsWithin, readLimits } from "./openFiles.ts";
import { answerProblem, RequestError } from "./problem.ts";
import { createShed } from "./shed.ts";
import type { WindowLimits } from "./window.ts";

export type HttpOptions = AppOptions & {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** How long `close` lets requests under way finish. */
  readonly drainMs: number;
  readonly limits?: HttpLimits;
  readonly callLimits?: WindowLimits;
};

export type HttpLimits = {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly headerBytesMax: number;
  /** Fewer where the process may not open as many files. */
  readonly connectionsMax: number;
  /** How often `headersMs`, `requestMs` and the limits on answers are looked at. */
  readonly checkMs: number;
} & ConnectionLimits;

export const httpLimits: HttpLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  headerBytesMax: 16 * 1024,
  connectionsMax: 12_000,
  checkMs: 2_000,
  aheadMax: 64,
  takeMs: 30_000,
  unsentBytesMax: 32 * 1024 * 1024,
};

export type HttpServer = {
  readonly port: number;
  /** How many of the clients' calls are under way, and may be. */
  readonly calls: Pick<Guard, "writes" | "reads">;
  /**
   * Stops accepting, closes idle connections at once, and lets requests under way finish within
   * `drainMs`; then it cuts what is left. Resolves when every connection is closed.
   */
  close(): Promise<void>;
};

export type ListenFault = {
  readonly code: "http.addressInUse" | "http.cannotListen";
  readonly address: string;
};
export class ListenError extends ClusterError<ListenFault> {}

/** @throws ListenError */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const limits = options.limits ?? httpLimits;
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytesMax,
    connectionsCheckingInterval: limits.checkMs,
    // The router refuses a request without one, in our own words.
    requireHostHeader: false,
  });
  server.maxConnections = connectionsWithin(limits.connectionsMax, readLimits());
  const guard = guardService(options.service, options.callLimits);
  serveRequests(server, { ...options, service: guard.service }, guard);
  server.on("drop", () => options.count("http_connections_dropped_total", { reason: "too-many" }));
  await listen(server, options);
  server.on("error", (error) => options.log.error({ err: error }, "the HTTP server failed"));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  let closing: Promise<void> | null = null;
  return {
    port,
    calls: guard,
    close() {
      closing ??= close(server, options.drainMs);
      return closing;
    },
  };
}

function serveRequests(server: Server, options: HttpOptions, guard: Guard): void {
  const shed = createShed(guard, options.count);
  const app = createApp(options);
  // It puts light versions of Request and Response in place of the global ones: reads cost half.
  const routed = getRequestListener(app.fetch, {
    errorHandler: (cause) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const error = new RequestError({ code: "request.malformed" }, reason);
      const { status, type, body } = answerProblem(error);
      return new Response(body, { status, headers: { "content-type": type } });
    },
  });
  const limits = options.limits ?? httpLimits;
  const connections = watchConnections(server, limits, options.count);
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (!connections.admit(response, request.socket)) return;
    if (!server.listening) response.shouldKeepAlive = false;
    if (shed(request, response)) return;
    if (isHot(request)) incrementHot(options, request, response);
    else void routed(request, response).then(() => connections.answered(response.writableLength));
  };
  server.on("request", onRequest);
  // Node answers 417 without a word; a server may pass over what it does not know (RFC 9110 §10.1.1).
  server.on("checkExpectation", onRequest);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!(socket instanceof Socket) || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    // Beside a request under way, a refusal would be taken for that request's answer; unless it is
    // that request whose body broke off.
    const underWay = connections.underWay(socket);
    if (underWay !== null && (underWay.req.complete || underWay.headersSent)) {
      connections.cut(socket, "broken");
      return;
    }
    const refusal = answerProblem(brokenRequest(error, limits));
    options.count("http_requests_total", { path: otherPath, status: String(refusal.status) });
    socket.end(rawAnswer(refusal));
  });
}

function brokenRequest(error: NodeJS.ErrnoException, limits: HttpLimits): RequestError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW": {
      const bytesMax = limits.headerBytesMax;
      const message = `the request's headers: expected at most ${bytesMax} bytes`;
      return new RequestError({ code: "request.headersTooLarge", bytesMax }, message);
    }
    case "ERR_HTTP_REQUEST_TIMEOUT": {
      const { headersMs, requestMs } = limits;
      const message = `expected the headers within ${headersMs} ms, the whole within ${requestMs} ms`;
      return new RequestError({ code: "request.timeout" }, message);
    }
    default: {
      const message = `expected an HTTP/1.1 request: ${error.message}`;
      return new RequestError({ code: "request.malformed" }, message);
    }
  }
}

/** For a connection whose bytes were no request, and which ends here. */
function rawAnswer({ status, type, body }: Answer): string {
  return [
    `HTTP/1.1 ${status} Refused`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

async function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  const address = `${host}:${port}`;
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      const taken = `${address} is in use: expected a free address for HTTP`;
      throw new ListenError({ code: "http.addressInUse", address }, taken, { cause: error });
    }
    const failed = `cannot listen on ${address} for HTTP: ${message}`;
    throw new ListenError({ code: "http.cannotListen", address }, failed, { cause: error });
  }
}

const sweepMs = 10;

async function close(server: Server, drainMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // A connection turns idle when the request under way on it is answered.
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
