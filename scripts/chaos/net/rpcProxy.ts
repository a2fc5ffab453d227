/** Stands between each node and the chain: passes calls on, or is away, slow, or lies to that node. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { z } from "zod";
import { listen } from "./peerProxy.ts";

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };
/** From the true answer's JSON text to the one that is told. */
export type Lie = (call: RpcCall, truth: string) => string;
export type RpcMode =
  | { readonly kind: "true" }
  /** Connections end at once. */
  | { readonly kind: "away" }
  /** Calls are taken and never answered. */
  | { readonly kind: "hangs" }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "lies"; readonly lie: Lie };

export type RpcProxy = {
  urlOf(position: number): string;
  /** From now on. */
  set(position: number, mode: RpcMode): void;
  close(): Promise<void>;
};

const callSchema = z.object({ method: z.string(), params: z.array(z.unknown()) });
const toldTruth: RpcMode = { kind: "true" };

export async function startRpcProxy(options: {
  readonly host: string;
  /** Read at each call: where a chain will be need not be known yet. */
  readonly upstream: string;
}): Promise<RpcProxy> {
  const { host } = options;
  const modes = new Map<number, RpcMode>();
  // A chain that was restarted closes what was kept: that must not look like one more fault.
  const agent = new Agent({ keepAlive: false });
  const server = createServer((incoming, answer) => {
    const position = Number(incoming.url?.slice(1));
    serve(incoming, answer, modes.get(position) ?? toldTruth).catch(() => answer.destroy());
  });

  async function serve(incoming: IncomingMessage, answer: ServerResponse, mode: RpcMode) {
    const body = await textOf(incoming);
    if (mode.kind === "away") answer.destroy();
    if (mode.kind === "away" || mode.kind === "hangs") return;
    const truth = await passOn(body);
    const told = mode.kind === "lies" ? mode.lie(callSchema.parse(JSON.parse(body)), truth) : truth;
    const send = () => answer.writeHead(200, { "content-type": "application/json" }).end(told);
    if (mode.kind === "slow") setTimeout(send, mode.ms);
    else send();
  }

  function passOn(body: string): Promise<string> {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(options.upstream, { method: "POST", agent, headers }, (answered) => {
        textOf(answered).then(resolve, reject);
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  const port = await listen(server, host);
  return {
    urlOf: (position) => `http://${host}:${port}/${position}`,
    set: (position, mode) => void modes.set(position, mode),
    close() {
      agent.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
