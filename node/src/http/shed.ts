/**
 * Refuses a call as cheaply as this server can: before its body is read, with an answer made
 * beforehand.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { overloaded } from "../runtime/calls.ts";
import type { Count } from "../runtime/ports.ts";
import type { Answer } from "./answer.ts";
import type { Guard } from "./guard.ts";
import { answerProblem } from "./problem.ts";
import { createTurns, turnLimits } from "./turns.ts";
import type { Window } from "./window.ts";

/** Clients that come back do so apart. */
const answersMade = 16;

export type Shed = (request: IncomingMessage, response: ServerResponse) => boolean;

/** @returns answers the request and says true when the calls it asks for have no room */
export function createShed({ writes, reads }: Guard, count: Count): Shed {
  const made = Array.from({ length: answersMade }, () =>
    answerProblem(overloaded("more calls are under way than are answered in good time")),
  );
  const turns = createTurns(turnLimits);
  let last = 0;
  return (request, response) => {
    const url = request.url ?? "";
    const window = windowOf(url, writes, reads);
    if (window === null) return false;
    const hasRoom = window.hasRoom();
    if (!hasRoom) turns.refused();
    turns.arrived(request.socket);
    if (hasRoom) return false;
    last = (last + 1) % made.length;
    const answer = made[last];
    if (answer === undefined) return false;
    count("http_requests_total", window === writes ? refusedWrite : refusedRead);
    write(response, answer);
    return true;
  };
}

const refusedWrite = { path: "/increment", status: "503" };
const refusedRead = { path: "/counter", status: "503" };

/** Whether a node is well is asked above all when it is not: only clients' calls are refused. */
function windowOf(url: string, writes: Window, reads: Window): Window | null {
  if (url === "/increment" || url.startsWith("/increment?")) return writes;
  return url === "/counter" || url === "/counter?consistency=linearizable" ? reads : null;
}

function write(response: ServerResponse, { status, type, headers, body }: Answer): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "content-type": type, "content-length": length, ...headers });
  response.end(body);
}
