/** The HTTP side of the PCCS, and the switch for its faults. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "pino";
import { type CollateralFault, collateralFaultNames, isCollateralFault } from "../faults.ts";
import { readBody } from "../http/body.ts";
import type { Pki } from "../pki/pki.ts";
import { RefusedRequest } from "../refusal.ts";
import { collateralOf, type Reply, refusal } from "./collateral.ts";

export type PccsOptions = {
  readonly pki: Pki;
  /** What is wrong at first. */
  readonly faults: readonly CollateralFault[];
  /** Whether `/faults` is there. */
  readonly isControlled: boolean;
  readonly logger: Logger;
};

const requestMsMax = 30_000;

export function createPccsServer(options: PccsOptions): Server {
  const { pki, isControlled, logger } = options;
  const answer = collateralOf(pki);
  let { faults } = options;
  const server = createServer({ requestTimeout: requestMsMax }, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      logger.debug({ err: error }, "connection lost before the PCCS answered");
      response.destroy();
    });
  });
  server.on("error", (error) => logger.error({ err: error }, "PCCS listener"));
  return server;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await replyTo(request).catch(failed);
    send(response, reply);
    logger.debug({ path: request.url, status: reply.status }, "PCCS answered");
  }

  async function replyTo(request: IncomingMessage): Promise<Reply> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://pccs");
    if (path === "/faults" && isControlled) return control(request);
    if (request.method !== "GET") return refusal(405, "expected GET");
    return answer({ path, query, faults, now: new Date() });
  }

  /** GET tells what is wrong, POST says what is to be: an array of names, in place of all before. */
  async function control(request: IncomingMessage): Promise<Reply> {
    if (!isLoopback(request.socket.remoteAddress ?? "")) {
      return refusal(403, "expected a request from this machine");
    }
    if (request.method === "POST") {
      faults = parseFaults(await readBody(request));
      logger.info({ faults }, "the PCCS has other faults now");
    }
    const body = JSON.stringify(faults);
    return { status: 200, contentType: "application/json", headers: {}, body };
  }

  function failed(error: unknown): Reply {
    if (error instanceof RefusedRequest) return refusal(400, error.message);
    logger.error({ err: error }, "the PCCS failed");
    return refusal(500, "failed");
  }
}

/** Whether an address, as a socket spells it, is of this machine alone. */
export function isLoopback(address: string): boolean {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(address);
}

/** @throws RefusedRequest that says what was expected */
function parseFaults(body: Uint8Array): readonly CollateralFault[] {
  const expected = `expected a JSON array of ${collateralFaultNames.join(", ")}`;
  const value = parsed(body);
  if (!Array.isArray(value)) throw new RefusedRequest(expected);
  return value.map((name: unknown) => {
    if (typeof name === "string" && isCollateralFault(name)) return name;
    throw new RefusedRequest(`${expected}; got ${JSON.stringify(name)}`);
  });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return null;
  }
}

function send(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    "Content-Type": reply.contentType,
    "Content-Length": body.length,
    ...reply.headers,
  });
  response.end(body);
}
