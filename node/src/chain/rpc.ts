/**
 * JSON-RPC over HTTP, to one endpoint.
 *
 * By node:http rather than fetch: measured here, the first fetch costs 24 MB of resident memory and
 * each call three times the processor time.
 */
import http from "node:http";
import https from "node:https";
import { z } from "zod";
import { shortened, unreachable } from "./errors.ts";

/** The endpoint answered, with an error. */
export class RpcRefusal extends Error {
  override readonly name = "RpcRefusal";
  readonly code: number;
  /** What a reverted call returned, 0x-hex. */
  readonly revertData: string | null;

  constructor(code: number, message: string, revertData: string | null) {
    super(message);
    this.code = code;
    this.revertData = revertData;
  }
}

export type Endpoint = {
  /** For people: position and host. Paths and credentials stay out, they may hold API keys. */
  readonly name: string;
  /**
   * @throws ChainError chain.unreachable: no answer in time, or not JSON-RPC
   * @throws RpcRefusal
   */
  call(method: string, params: readonly unknown[]): Promise<unknown>;
};

const answerBytesMax = 16 * 1024 * 1024;

const answerSchema = z.union([
  z.object({
    error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }),
  }),
  z.object({ result: z.unknown() }),
]);

export function rpcEndpoint(url: string, position: number, callTimeoutMs: number): Endpoint {
  const address = new URL(url);
  const secure = address.protocol === "https:";
  const agent = new (secure ? https : http).Agent({ keepAlive: true });
  const request = secure ? https.request : http.request;
  const name = `rpc ${position + 1} (${address.host})`;

  async function call(method: string, params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const signal = AbortSignal.timeout(callTimeoutMs);
    const text = await exchange(body, signal).catch((error: Error) => {
      const reason = signal.aborted ? `no answer in ${callTimeoutMs} ms` : error.message;
      throw unreachable(`${name}, ${method}: ${reason}`, { cause: error });
    });
    return resultIn(text, `${name}, ${method}`);
  }

  function exchange(body: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      };
      const outgoing = request(address, { method: "POST", agent, headers, signal }, (answer) => {
        readText(answer).then(resolve, reject);
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        // The endpoint closed an idle connection just as it was used again: that says nothing.
        const idleClosed = outgoing.reusedSocket && error.code === "ECONNRESET";
        if (idleClosed && !signal.aborted) exchange(body, signal).then(resolve, reject);
        else reject(error);
      });
      outgoing.end(body);
    });
  }

  return { name, call };
}

/**
 * The answer, if it has the shape of `schema`.
 *
 * @throws ChainError chain.unreachable: who answers like that is no endpoint
 */
export function answerAs<Schema extends z.ZodType>(
  schema: Schema,
  answer: unknown,
  method: string,
): z.infer<Schema> {
  const checked = schema.safeParse(answer);
  if (checked.success) return checked.data;
  throw unreachable(`the answer to ${method} cannot be read`, { cause: checked.error });
}

/** Numbers and bytes alike. */
export const hexText = z.string().regex(/^0x[0-9a-f]*$/i);
export const hexNumber = z.string().regex(/^0x[0-9a-f]+$/i);
/** Below 2^52, so that it is exact as a number: ids, heights, times, nonces, amounts of gas. */
export const hexCount = z.string().regex(/^0x0*[0-9a-f]{1,13}$/i, "expected a number below 2^52");
/** In wei per gas. No transaction with a fee of 2^256 or more can be made. */
export const hexPrice = z.string().regex(/^0x0*[0-9a-f]{1,24}$/i, "expected a price below 2^96");

async function readText(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`the answer exceeds ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function resultIn(text: string, what: string): unknown {
  const answer = answerSchema.safeParse(parseJson(text));
  if (!answer.success) throw unreachable(`${what}: the answer is not JSON-RPC`);
  if (!("error" in answer.data)) return answer.data.result;
  const { code, message, data } = answer.data.error;
  throw new RpcRefusal(code, shortened(message), revertDataIn(data));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Clients put it into `data`, or one level deeper. */
function revertDataIn(data: unknown): string | null {
  const nested = typeof data === "object" && data !== null && "data" in data ? data.data : data;
  return typeof nested === "string" && /^0x([0-9a-f]{2})*$/i.test(nested) ? nested : null;
}
