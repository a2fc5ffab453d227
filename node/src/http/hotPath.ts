/**
 * `POST /increment` straight from node:http, past the router and the Fetch API.
 *
 * This is the one route whose cost is the cluster's throughput. Only its usual form is taken here,
 * without a query and with a body of known, bounded length; every other form goes through the
 * router. Both ways share `increment` and `answerProblem`, so they answer alike.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";
import { type AppOptions, fail } from "./app.ts";
import { bodyBytesMax, decodeBody } from "./body.ts";
import { increment } from "./increment.ts";

const path = "/increment";
const applied = { path, status: "200" };

/** Is it a request that `incrementHot` may answer? */
export function isHot({ method, url, headers }: IncomingMessage): boolean {
  if (method !== "POST" || url !== path) return false;
  if (headers.host === undefined || headers["transfer-encoding"] !== undefined) return false;
  return Number(headers["content-length"] ?? 0) <= bodyBytesMax;
}

/** Answers a request that `isHot`; a client that goes away meanwhile gets none. */
export function incrementHot(
  options: AppOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const length = request.headers["content-length"];
  if (length === undefined || length === "0") {
    answer(options, request, response, noBytes);
    return;
  }
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => answer(options, request, response, Buffer.concat(pieces)));
  // The client went away before its body was here: there is nobody left to tell.
  request.on("error", () => response.destroy());
}

const noBytes = new Uint8Array(0);

function answer(
  options: AppOptions,
  { headers }: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
): void {
  const { log, count } = options;
  perform(options, headers, bytes).then(
    (done) => {
      count("http_requests_total", applied);
      write(response, done);
    },
    (error: unknown) => {
      const failed = fail(log, path, error);
      count("http_requests_total", { path, status: String(failed.status) });
      write(response, failed);
    },
  );
}

async function perform(
  options: AppOptions,
  headers: IncomingHttpHeaders,
  bytes: Uint8Array,
): Promise<Answer> {
  const key = headers["idempotency-key"];
  return increment(options, {
    search: "",
    contentType: headers["content-type"] ?? null,
    idempotencyKey: typeof key === "string" ? key : null,
    body: bytes.length === 0 ? "" : decodeBody(bytes),
  });
}

function write(response: ServerResponse, { status, type, headers, body }: Answer): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "content-type": type, "content-length": length, ...headers });
  response.end(body);
}
