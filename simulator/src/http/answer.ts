/**
 * Answers that the published client can read over a Unix socket.
 *
 * That client counts UTF-16 units against Content-Length, decodes chunks one by one, and resolves
 * only when the server ends the connection. Hence three rules: the length is always stated, the
 * body is ASCII, and every connection is closed after its answer.
 */
import type { ServerResponse } from "node:http";

/** Status 200 and compact JSON; `null` for a method without a result. */
export function answer(response: ServerResponse, result: unknown): void {
  send(response, 200, JSON.stringify(result));
}

/** Every refusal has status 400 and this one shape, pretty-printed. */
export function answerRefusal(response: ServerResponse, message: string): void {
  send(response, 400, errorBody(message));
}

/** A path that no service is mounted on: the answer of the web framework below the agent. */
export function answerNotFound(response: ServerResponse): void {
  const description = "The requested resource could not be found.";
  send(response, 404, JSON.stringify({ error: { code: 404, reason: "Not Found", description } }));
}

/** The complete message for a connection whose bytes were no HTTP request. */
export function rawRefusal(message: string): string {
  const body = errorBody(message);
  return [
    "HTTP/1.1 400 Bad Request",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}

function errorBody(message: string): string {
  return asciiJson(JSON.stringify({ error: message }, null, 2));
}

function send(response: ServerResponse, status: number, json: string): void {
  const body = Buffer.from(asciiJson(json), "ascii");
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    Connection: "close",
  });
  response.end(body);
}

/** The same JSON value in ASCII alone: outside strings, JSON has no other characters. */
function asciiJson(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
