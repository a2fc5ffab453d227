/** Clients of a running cluster: what a careful user would write with fetch. */
import { randomUUID } from "node:crypto";

export type Counter = { readonly value: number; readonly term: number; readonly index: number };
export type Incremented = Counter & { readonly leader: string };
export type Status = {
  readonly role: string;
  readonly term: number;
  readonly leader: { readonly slot: number; readonly endpoint: string } | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly node: { readonly slot: number | null; readonly bootKey: string };
};

const patienceMs = 8_000;

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** @throws Error with the problem document's text when the answer is not 200 */
export async function increment(
  url: string,
  options: { readonly by?: number; readonly key?: string } = {},
): Promise<Incremented> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (options.key !== undefined) headers["idempotency-key"] = options.key;
  const response = await fetch(`${url}/increment`, {
    method: "POST",
    headers,
    body: JSON.stringify({ by: options.by ?? 1 }),
    signal: AbortSignal.timeout(patienceMs),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Incremented;
}

export type Load = {
  /** Stops after the calls under way, each retried under its key until some node acknowledges it. */
  stop(): Promise<{ readonly acknowledged: readonly Incremented[]; readonly retries: number }>;
  acknowledged(): number;
};

/**
 * Clients that increment one after the other, each call under a key of its own. A call that fails,
 * definitely or not, is made again with the same key at the next node: so in the end the counter
 * has grown by exactly the number of keys, or something was lost or applied twice.
 */
export function startLoad(urls: readonly string[], clients: number): Load {
  const acknowledged: Incremented[] = [];
  let retries = 0;
  let stopping = false;

  async function client(position: number): Promise<void> {
    let at = position;
    while (!stopping) {
      const key = randomUUID();
      for (;;) {
        try {
          acknowledged.push(await increment(urls[at % urls.length] ?? "", { key }));
          break;
        } catch {
          retries += 1;
          at += 1;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  }
  const running = Array.from({ length: clients }, (_, position) => client(position));
  return {
    acknowledged: () => acknowledged.length,
    async stop() {
      stopping = true;
      await Promise.all(running);
      return { acknowledged, retries };
    },
  };
}
