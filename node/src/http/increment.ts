/** `POST /increment`: from what a client sent to a command, and back. */

import { byMax, byMin, isIncrement } from "../application/counter/counter.ts";
import { isIdempotencyKey } from "../application/envelope.ts";
import type { Observe } from "../runtime/ports.ts";
import type { Service } from "../runtime/service.ts";
import { type Answer, jsonType } from "./answer.ts";
import { RequestError } from "./problem.ts";
import { choice, quoted, readQuery } from "./query.ts";

/** The parts of a request that an increment depends on; `null`: the header was not sent. */
export type IncrementRequest = {
  /** The URL's query without its question mark. */
  readonly search: string;
  readonly contentType: string | null;
  readonly idempotencyKey: string | null;
  /** "" when there is none. */
  readonly body: string;
};

export type IncrementOptions = { readonly service: Service; readonly observe: Observe };

/** @throws RequestError; and what `service.increment` throws */
export async function increment(
  { service, observe }: IncrementOptions,
  request: IncrementRequest,
): Promise<Answer> {
  const query = readQuery(request.search, ["forward"]);
  const forward = choice(query, "forward", ["true", "false"]) === "true";
  const idempotencyKey = readKey(request.idempotencyKey);
  const by = readBy(request);
  const sinceMs = performance.now();
  const { value, term, index, leader } = await service.increment({ by, idempotencyKey, forward });
  observe("increment_seconds", (performance.now() - sinceMs) / 1_000);
  return {
    status: 200,
    type: jsonType,
    headers: none,
    body: `{"value":${value},"term":${term},"index":${index},"leader":${JSON.stringify(leader)}}`,
  };
}

const none = {};

function readKey(given: string | null): string | null {
  if (given === null || isIdempotencyKey(given)) return given;
  const name = "Idempotency-Key";
  const message = `${name}: expected 1 to 255 characters of printable ASCII, got ${quoted(given)}`;
  throw new RequestError({ code: "request.invalid", name }, message);
}

/** No body, and a body that does not say, mean 1. */
function readBy({ contentType, body }: IncrementRequest): number {
  if (body === "") return byMin;
  requireJson(contentType);
  const value = parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(
      "body",
      `the body: expected a JSON object such as {"by": 1}, got ${quoted(value)}`,
    );
  }
  const fields: { by?: unknown } = value;
  const unknown = Object.keys(fields).find((name) => name !== "by");
  if (unknown !== undefined) {
    throw invalid(unknown, `unknown field ${quoted(unknown)}: expected by alone`);
  }
  if (!Object.hasOwn(fields, "by")) return byMin;
  const { by } = fields;
  if (typeof by === "number" && isIncrement(by)) return by;
  throw invalid("by", `by: expected a whole number from ${byMin} to ${byMax}, got ${quoted(by)}`);
}

function requireJson(contentType: string | null): void {
  const essence = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (essence === jsonType) return;
  const given = contentType === null ? "none" : quoted(contentType);
  const message = `the body's Content-Type: expected ${jsonType}, got ${given}`;
  throw new RequestError({ code: "request.mediaType", accepted: jsonType }, message);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError({ code: "request.notJson" }, `the body: expected JSON: ${reason}`);
  }
}

function invalid(name: string, message: string): RequestError {
  return new RequestError({ code: "request.invalid", name }, message);
}
