/** The routes: one row each in `endpoints`, and what answers it. */
import { type Context, Hono } from "hono";
import type { Count, Log, Observe } from "../runtime/ports.ts";
import type { Service } from "../runtime/service.ts";
import { type Answer, answerJson, answerText } from "./answer.ts";
import { readBody } from "./body.ts";
import { increment } from "./increment.ts";
import { createPerTurn, type PerTurn } from "./perTurn.ts";
import { answerProblem, isDeclared, RequestError } from "./problem.ts";
import { choice, hex, position, quoted, readQuery, wholeNumber } from "./query.ts";

export type AppOptions = {
  readonly service: Service;
  readonly log: Log;
  readonly count: Count;
  readonly observe: Observe;
};

type Parts = AppOptions & { readonly perTurn: PerTurn };
type Handle = (parts: Parts, context: Context) => Answer | Promise<Answer>;
type Endpoint = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly about: string;
  readonly handle: Handle;
};

const endpoints: readonly Endpoint[] = [
  { method: "GET", path: "/", about: "this list", handle: list },
  {
    method: "POST",
    path: "/increment",
    about: 'raises the counter; body optional: {"by": 1}; ?forward=false; Idempotency-Key',
    handle: incrementByFetch,
  },
  {
    method: "GET",
    path: "/counter",
    about: "its value; ?consistency=linearizable|local",
    handle: counter,
  },
  {
    method: "GET",
    path: "/status",
    about: "this node and its view of the cluster",
    handle: status,
  },
  { method: "GET", path: "/members", about: "the roster, as this node sees it", handle: members },
  { method: "GET", path: "/log", about: "log entries; ?from=&limit=", handle: log },
  {
    method: "GET",
    path: "/receipts/{index}",
    about: "proves an entry to whoever knows the contract's roster",
    handle: receipt,
  },
  { method: "GET", path: "/health", about: "200 while in touch with the cluster", handle: health },
  {
    method: "GET",
    path: "/attestation",
    about: "what proves this node; ?nonce=hex",
    handle: attestation,
  },
  { method: "GET", path: "/metrics", about: "for Prometheus", handle: metrics },
];

/** Of the log. At some milliseconds each, the last one waits for a fraction of a second. */
const pagesWaitingMax = 32;

/** Answers every request: what is no route, or not as expected, with a problem document. */
export function createApp(options: AppOptions): Hono {
  const app = new Hono();
  const parts = { ...options, perTurn: createPerTurn(pagesWaitingMax) };
  for (const { method, path, handle } of endpoints) {
    const route = path.replace(/\{(\w+)\}/, ":$1");
    app.on(method, route, async (context) => {
      try {
        return send(options, path, await handle(parts, context));
      } catch (error) {
        return send(options, path, fail(options.log, path, error));
      }
    });
    app.all(route, (context) => send(options, path, otherMethod(context, path, method)));
  }
  app.notFound((context) => {
    const message = `no such path: ${quoted(context.req.path)}; expected one that GET / lists`;
    const error = new RequestError({ code: "request.unknownPath" }, message);
    return send(options, otherPath, answerProblem(error));
  });
  app.onError((error) => send(options, otherPath, fail(options.log, otherPath, error)));
  return app;
}

/** How paths that are none of ours are counted. */
export const otherPath = "other";

/** The problem document for `error`; what nobody declared is logged as well. */
export function fail(log: Log, path: string, error: unknown): Answer {
  if (!isDeclared(error)) log.error({ err: error, path }, "a request failed unexpectedly");
  return answerProblem(error);
}

function send({ count }: AppOptions, path: string, answer: Answer): Response {
  const { status, type, headers, body } = answer;
  count("http_requests_total", { path, status: String(status) });
  const hasBody = status !== 204;
  const described = hasBody
    ? { ...headers, "content-type": type, "content-length": String(Buffer.byteLength(body)) }
    : headers;
  return new Response(hasBody ? body : null, { status, headers: described });
}

function otherMethod(context: Context, path: string, method: Endpoint["method"]): Answer {
  const allowed = method === "GET" ? ["GET", "HEAD", "OPTIONS"] : [method, "OPTIONS"];
  if (context.req.method === "OPTIONS") {
    return { status: 204, type: "", headers: { allow: allowed.join(", ") }, body: "" };
  }
  const message = `${path} does not take ${context.req.method}: expected ${allowed.join(" or ")}`;
  return answerProblem(new RequestError({ code: "request.methodNotAllowed", allowed }, message));
}

async function incrementByFetch(options: AppOptions, context: Context): Promise<Answer> {
  return increment(options, {
    search: searchOf(context),
    contentType: context.req.header("content-type") ?? null,
    idempotencyKey: context.req.header("idempotency-key") ?? null,
    body: await readBody(context.req.raw),
  });
}

async function counter({ service }: AppOptions, context: Context): Promise<Answer> {
  const query = readQuery(searchOf(context), ["consistency"]);
  return answerJson(await service.counter(choice(query, "consistency", ["linearizable", "local"])));
}

function status({ service }: AppOptions, context: Context): Answer {
  readQuery(searchOf(context), []);
  return answerJson(service.status());
}

function members({ service }: AppOptions, context: Context): Answer {
  readQuery(searchOf(context), []);
  return answerJson(service.members());
}

function log({ service, perTurn }: Parts, context: Context): Promise<Answer> {
  const query = readQuery(searchOf(context), ["from", "limit"]);
  const limit = wholeNumber(query, "limit", { min: 1, max: 1_000, otherwise: 100 });
  const latest = Math.max(1, service.status().commitIndex - limit + 1);
  const from = wholeNumber(query, "from", {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    otherwise: latest,
  });
  return perTurn(() => answerJson(service.log(from, limit)));
}

async function receipt({ service }: AppOptions, context: Context): Promise<Answer> {
  readQuery(searchOf(context), []);
  return answerJson(await service.receipt(position("index", context.req.param("index") ?? "")));
}

function health({ service }: AppOptions, context: Context): Answer {
  readQuery(searchOf(context), []);
  const now = service.health();
  if (now.ok) return answerJson(now);
  throw new RequestError({ code: "node.unhealthy" }, now.reason);
}

/** Report data has 64 bytes, and this boot's statement takes 32 of them. */
const nonceBytesMax = 32;

async function attestation({ service }: AppOptions, context: Context): Promise<Answer> {
  const query = readQuery(searchOf(context), ["nonce"]);
  return answerJson(await service.attestation(hex(query, "nonce", nonceBytesMax)));
}

async function metrics({ service }: AppOptions, context: Context): Promise<Answer> {
  readQuery(searchOf(context), []);
  return answerText(await service.metrics());
}

function list(_options: AppOptions, context: Context): Answer {
  readQuery(searchOf(context), []);
  const rows = endpoints.map(({ method, path, about }) => ({ method, path, about }));
  return answerJson({ endpoints: rows });
}

function searchOf(context: Context): string {
  const { url } = context.req;
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start + 1);
}
