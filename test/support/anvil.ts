/** A development chain of its own for each test file. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, type Running, startProcess } from "./processes.ts";

export type Anvil = Pick<Running, "pid" | "stop"> & {
  readonly url: string;
  readonly port: number;
  /** Rejects with the node's own message. */
  rpc<T>(method: string, params?: readonly unknown[]): Promise<T>;
};

export type AnvilOptions = {
  readonly port?: number;
  /** Seconds; without it a block is mined for every transaction. */
  readonly blockTime?: number;
  /** Kept here between runs. */
  readonly stateFile?: string;
};

export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { port = await freePort(), blockTime, stateFile } = options;
  const args = ["--host", "127.0.0.1", "--port", `${port}`];
  if (blockTime !== undefined) args.push("--block-time", `${blockTime}`);
  if (stateFile !== undefined) args.push("--state", stateFile);
  const running = await startProcess({ command: anvilBinary(), args, ready: /^Listening on/ });
  const url = `http://127.0.0.1:${port}`;
  return { ...running, url, port, rpc: (method, params = []) => rpc(url, method, params) };
}

export async function rpc<T>(
  url: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer = (await response.json()) as { result?: T; error?: { message: string } };
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result as T;
}

/** The binary itself: the npm wrapper, killed, would leave it behind. */
function anvilBinary(): string {
  const folder = join(import.meta.dirname, "../../node_modules/@foundry-rs");
  const platform = readdirSync(folder).find((name) => name.startsWith("anvil-"));
  if (platform === undefined) throw new Error(`no anvil for this platform in ${folder}`);
  return join(folder, platform, "bin/anvil");
}
