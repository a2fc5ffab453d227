/** An RPC endpoint that passes calls on, and lies, delays or fails where told to. */

import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };
/** The answer's JSON text, changed or replaced; `null` never answers. */
export type Tamper = (call: RpcCall, answer: () => Promise<string>) => Promise<string | null>;

export type RpcProxy = {
  readonly url: string;
  readonly calls: readonly RpcCall[];
  /** From now on. */
  tamper(how: Tamper): void;
  stop(): Promise<void>;
};

export async function startRpcProxy(upstream: string): Promise<RpcProxy> {
  const calls: RpcCall[] = [];
  let how: Tamper = (_, answer) => answer();
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const call = JSON.parse(body) as RpcCall;
      calls.push(call);
      how(call, () => passOn(upstream, body)).then(
        (answer) => reply(response, answer),
        () => response.destroy(),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    tamper(changed) {
      how = changed;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function passOn(upstream: string, body: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  return await (await fetch(upstream, { method: "POST", headers, body })).text();
}

function reply(response: ServerResponse, answer: string | null): void {
  if (answer !== null) response.writeHead(200).end(answer);
}
