/**
 * Every way a request can fail, and how each is told: RFC 9457 problem documents.
 *
 * `outcome` tells the client whether the work may still happen. When unsure it is `indefinite`.
 */
import { ClusterError, type Outcome } from "../errors.ts";
import type { CallFault } from "../runtime/ports.ts";
import type { ReceiptFault } from "../runtime/receipts.ts";
import type { Answer } from "./answer.ts";

/** What a client did wrong; the error's message says what, and what was expected. */
export type RequestFault =
  | { readonly code: "request.malformed" }
  | { readonly code: "request.notJson" }
  /** A field, parameter or header; `name` says which. */
  | { readonly code: "request.invalid"; readonly name: string }
  | { readonly code: "request.tooLarge"; readonly bytesMax: number }
  | { readonly code: "request.headersTooLarge"; readonly bytesMax: number }
  | { readonly code: "request.mediaType"; readonly accepted: string }
  | { readonly code: "request.timeout" }
  | { readonly code: "request.unknownPath" }
  | { readonly code: "request.methodNotAllowed"; readonly allowed: readonly string[] };

/** What this node cannot do: it is out of touch, or it has a bug. */
export type NodeFault = { readonly code: "node.unhealthy" } | { readonly code: "node.failed" };

export class RequestError extends ClusterError<RequestFault | NodeFault> {}

export type Fault = RequestFault | NodeFault | CallFault | ReceiptFault;

export type Problem = {
  readonly status: number;
  readonly outcome: Outcome;
  readonly title: string;
};

export const problems = {
  "request.malformed": { status: 400, outcome: "definite", title: "Not an HTTP request" },
  "request.notJson": { status: 400, outcome: "definite", title: "The body is not JSON" },
  "request.invalid": { status: 400, outcome: "definite", title: "Invalid request" },
  "request.tooLarge": { status: 413, outcome: "definite", title: "The body is too large" },
  "request.headersTooLarge": {
    status: 431,
    outcome: "definite",
    title: "The headers are too large",
  },
  "request.mediaType": { status: 415, outcome: "definite", title: "Unsupported media type" },
  "request.timeout": {
    status: 408,
    outcome: "definite",
    title: "The request took too long to arrive",
  },
  "request.unknownPath": { status: 404, outcome: "definite", title: "No such path" },
  "request.methodNotAllowed": { status: 405, outcome: "definite", title: "Method not allowed" },
  "node.unhealthy": { status: 503, outcome: "definite", title: "The node is out of touch" },
  // Nobody knows how far the work had come.
  "node.failed": { status: 500, outcome: "indefinite", title: "The node failed" },
  "leader.unknown": { status: 503, outcome: "definite", title: "No active leader" },
  "leader.elsewhere": { status: 421, outcome: "definite", title: "Another node leads" },
  "leader.lost": { status: 504, outcome: "indefinite", title: "The leader changed meanwhile" },
  overloaded: { status: 503, outcome: "definite", title: "Too many requests are waiting" },
  "command.refused": { status: 409, outcome: "definite", title: "The command was refused" },
  "idempotency.mismatch": {
    status: 422,
    outcome: "definite",
    title: "The key belongs to another command",
  },
  "commit.timeout": { status: 504, outcome: "indefinite", title: "Not committed in time" },
  "read.timeout": { status: 503, outcome: "definite", title: "The read was not confirmed in time" },
  "receipt.notYet": { status: 404, outcome: "definite", title: "No receipt yet" },
  "receipt.compacted": { status: 410, outcome: "definite", title: "No receipt any more" },
  "node.unavailable": { status: 503, outcome: "definite", title: "The node does not serve yet" },
} as const satisfies Record<Fault["code"], Problem>;

const retryAfterMsDefault = 1_000;

/** The problem document for whatever was thrown. What is no declared fault is this node's bug. */
export function answerProblem(error: unknown): Answer {
  const { fault, detail } = isDeclared(error)
    ? { fault: error.fault, detail: detailOf(error.fault, error.message) }
    : { fault: { code: "node.failed" } as const, detail: "see the node's log" };
  const { status, outcome, title } = problems[fault.code];
  const leader = fault.code === "leader.elsewhere" ? leaderUrlOf(fault.leaderUrl) : null;
  const document = {
    type: `urn:dstack-cluster:problem:${fault.code}`,
    title,
    status,
    code: fault.code,
    detail,
    outcome,
    ...(leader === null ? {} : { leader: leader.origin }),
    ...extensionsOf(fault),
  };
  const headers = headersOf(fault, leader);
  return { status, type: problemType, headers, body: JSON.stringify(document) };
}

export const problemType = "application/problem+json";

/** Is it one of the faults above, rather than another adapter's or none at all? */
export function isDeclared(error: unknown): error is ClusterError<Fault> {
  return error instanceof ClusterError && error.fault.code in problems;
}

function detailOf(fault: Fault, message: string): string {
  switch (fault.code) {
    case "command.refused":
      return fault.reason;
    case "idempotency.mismatch":
      return `the key ${JSON.stringify(fault.key)} came with another command before: expected the same command again, or a new key`;
    case "commit.timeout":
      return `${message} (${Math.round(fault.waitedMs)} ms): it may still be; retry with the same Idempotency-Key`;
    case "leader.lost":
      return `${message}: the command may still take effect; retry with the same Idempotency-Key`;
    default:
      return message;
  }
}

/** What a program would otherwise have to read out of the sentence (RFC 9457, section 3.2). */
function extensionsOf(fault: Fault): Readonly<Record<string, number>> {
  switch (fault.code) {
    case "receipt.notYet":
      return { certifiedIndex: fault.certifiedIndex };
    case "receipt.compacted":
      return { firstIndex: fault.firstIndex };
    default:
      return {};
  }
}

function headersOf(fault: Fault, leader: URL | null): Readonly<Record<string, string>> {
  if (fault.code === "request.methodNotAllowed") return { allow: fault.allowed.join(", ") };
  // What is left of an oversized body is not worth reading.
  if (fault.code === "request.tooLarge") return { connection: "close" };
  if (leader !== null) return { location: new URL("/increment", leader).href };
  if (problems[fault.code].status !== 503 && fault.code !== "receipt.notYet") return {};
  const ms = fault.code === "overloaded" ? fault.retryAfterMs : retryAfterMsDefault;
  return { "retry-after": String(Math.max(1, Math.ceil(ms / 1_000))) };
}

/** Endpoints come from the contract, where any member writes its own: only http URLs pass. */
function leaderUrlOf(text: string): URL | null {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}
