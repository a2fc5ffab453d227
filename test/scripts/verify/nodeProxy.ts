/** Stands where the contract says that a node is, and passes requests on, or answers itself. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { freePort } from "../../support/processes.ts";

/** @returns an answer in the node's place; null: whatever the node answers */
export type Lie = (
  path: string,
  ask: (origin?: string) => Promise<object>,
) => Promise<object | null>;

export type NodeProxy = {
  readonly url: string;
  /** From now on; null: the truth. */
  lie(how: Lie | null): void;
  /** Whether connections are cut instead. */
  cut(isCut: boolean): void;
  stop(): Promise<void>;
};

export async function startNodeProxy(node: string): Promise<NodeProxy> {
  let how: Lie | null = null;
  let isCut = false;
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    if (isCut) request.socket.destroy();
    else answer(path, response).catch(() => response.destroy());
  });

  async function answer(path: string, response: ServerResponse): Promise<void> {
    const ask = async (origin = node) => (await (await fetch(`${origin}${path}`)).json()) as object;
    const lie = (await how?.(path, ask)) ?? null;
    if (lie !== null) response.writeHead(200).end(JSON.stringify(lie));
    else {
      const truth = await fetch(`${node}${path}`);
      response.writeHead(truth.status).end(await truth.text());
    }
  }

  server.listen(await freePort(), "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    lie(changed) {
      how = changed;
    },
    cut(changed) {
      isCut = changed;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
