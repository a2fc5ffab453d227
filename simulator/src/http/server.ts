/** The HTTP side of one instance: from a request to a method, and back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import type { Instance } from "../instance.ts";
import { guestMethod } from "../methods/guest.ts";
import type { Method } from "../methods/method.ts";
import { tappdMethod } from "../methods/tappd.ts";
import { RefusedRequest } from "../refusal.ts";
import { answer, answerNotFound, answerRefusal, rawRefusal } from "./answer.ts";
import { readBody } from "./body.ts";
import { jsonFields, queryFields } from "./fields.ts";

/** Which of the two services a listener serves. Their paths do not collide. */
export type Service = "guest" | "tappd";

const requestMsMax = 30_000;

export function createAgentServer(
  instance: Instance,
  services: readonly Service[],
  logger: Logger,
): Server {
  const latest = new WeakMap<Duplex, IncomingMessage>();
  const server = createServer({ requestTimeout: requestMsMax }, (request, response) => {
    latest.set(request.socket, request);
    serve(request, response).catch((error: unknown) => {
      logger.debug({ err: error, instance: instance.name }, "connection lost before its answer");
      response.destroy();
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Bytes after a complete request, as from a client that counts characters: it gets its answer.
    if (latest.get(socket)?.complete) return;
    logger.info({ instance: instance.name, reason: error.message }, "refused");
    if (socket.writable) socket.end(rawRefusal(`invalid HTTP request: ${error.message}`));
    else socket.destroy();
  });
  server.on("error", (error) => logger.error({ err: error, instance: instance.name }, "listener"));
  return server;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    try {
      const body = await readBody(request);
      const method = route(instance, services, request.method, path);
      if (method === null) return answerNotFound(response);
      const isQuery = request.method === "GET";
      const fields = isQuery ? queryFields(queryOf(request)) : jsonFields(body);
      answer(response, await method(instance, fields));
      logger.debug({ instance: instance.name, path }, "answered");
    } catch (error) {
      if (!request.complete) throw error;
      answerRefusal(response, explain(error, path));
    }
  }

  function explain(error: unknown, path: string): string {
    const message = error instanceof Error ? error.message : String(error);
    const isExpected = error instanceof RefusedRequest;
    if (isExpected) logger.info({ instance: instance.name, path, reason: message }, "refused");
    else logger.error({ instance: instance.name, path, err: error }, "a method failed");
    return message;
  }
}

/**
 * @returns `null` for what no service is mounted on
 * @throws RefusedRequest for a method that the service does not have
 */
function route(
  instance: Instance,
  services: readonly Service[],
  verb: string | undefined,
  path: string,
): Method | null {
  if (verb !== "GET" && verb !== "POST") return null;
  const guestName = /^\/([^/]+)$/.exec(path)?.[1];
  const tappdName = /^\/prpc\/([^/]+)$/.exec(path)?.[1];
  if (guestName !== undefined && services.includes("guest")) {
    return guestMethod(guestName, instance.app.settings.agentVersion);
  }
  if (tappdName !== undefined && services.includes("tappd")) {
    return tappdMethod(tappdName, instance.app.settings.agentVersion);
  }
  return null;
}

/** The decoded path, or one that no service has. */
function pathOf(request: IncomingMessage): string {
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  try {
    return decodeURIComponent(path);
  } catch {
    return "/";
  }
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const target = request.url ?? "/";
  const start = target.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : target.slice(start + 1));
}
