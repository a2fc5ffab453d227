/** One HTTP call of one client, and what it may conclude from its end. */
import { Agent, request } from "node:http";

export type Call = {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
};

export type Reply =
  | { readonly outcome: "ok"; readonly body: unknown }
  | { readonly outcome: "failed" | "unknown"; readonly error: string };

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
/** The connection was never made: nothing was sent. */
const neverSent = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"];

export function call({ url, method, headers, body, timeoutMs }: Call): Promise<Reply> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const length = { "content-length": Buffer.byteLength(body ?? "") };
    const outgoing = request(url, { method, agent, headers: { ...headers, ...length }, signal });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      const outcome = neverSent.includes(code) ? "failed" : "unknown";
      resolve({ outcome, error: signal.aborted ? "client.timeout" : code });
    });
    outgoing.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", (error) => resolve({ outcome: "unknown", error: error.message }));
      answer.on("end", () => resolve(replyOf(answer.statusCode ?? 0, Buffer.concat(chunks))));
    });
    outgoing.end(body ?? undefined);
  });
}

/** @param text a problem document (RFC 9457) unless `status` is 200 */
function replyOf(status: number, text: Buffer): Reply {
  const body = parse(text.toString("utf8"));
  if (status === 200 && body !== null) return { outcome: "ok", body };
  const { code = `http.${status}`, outcome } = (body ?? {}) as { code?: string; outcome?: string };
  return { outcome: outcome === "definite" ? "failed" : "unknown", error: code };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Connections that are kept would hold the process. */
export function closeConnections(): void {
  agent.destroy();
}
