/**
 * A steady, moderate load whose every write is accounted for: each has a key of its own and is sent
 * again under it, to one node after another, until it is acknowledged.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

export type Load = {
  acknowledged(): number;
  /** Sent again, for whatever reason. */
  retries(): number;
  /** Lets what is under way be acknowledged, for so long at most. */
  stop(timeoutMs: number): Promise<Outcome>;
};

export type Outcome = {
  readonly acknowledged: number;
  readonly retries: number;
  /** Sent, perhaps carried out, and never acknowledged. */
  readonly open: number;
};

/** From one write of a client to its next. */
const paceMs = 50;
const callTimeoutMs = 10_000;
const retryMs = 100;
const writesPerRead = 10;
const msPerSecond = 1_000;

export function startLoad(urls: () => readonly string[], clients: number): Load {
  const ending = new AbortController();
  const { signal: ended } = ending;
  let stopping = false;
  let acknowledged = 0;
  let retries = 0;
  let open = 0;

  async function write(first: number): Promise<void> {
    const key = randomUUID();
    open += 1;
    for (let at = first; !ended.aborted; at++) {
      const all = urls();
      const retryAfterMs = await attempt(all[at % all.length] ?? "", key, ended);
      if (retryAfterMs === null) {
        open -= 1;
        acknowledged += 1;
        return;
      }
      retries += 1;
      await pause(retryAfterMs, ended);
    }
  }

  async function client(position: number): Promise<void> {
    for (let turn = 0; !stopping; turn++) {
      const dueMs = performance.now() + paceMs;
      await write(position + turn);
      if (turn % writesPerRead === 0) await read(urls()[position % urls().length] ?? "", ended);
      await pause(dueMs - performance.now(), ended);
    }
  }

  const running = Array.from({ length: clients }, (_, position) => client(position));
  return {
    acknowledged: () => acknowledged,
    retries: () => retries,
    async stop(timeoutMs) {
      stopping = true;
      await Promise.race([Promise.all(running), delay(timeoutMs, undefined, { ref: false })]);
      ending.abort();
      await Promise.all(running);
      return { acknowledged, retries, open };
    },
  };
}

/** @returns null: acknowledged; else when to try again */
async function attempt(url: string, key: string, ended: AbortSignal): Promise<number | null> {
  try {
    const answer = await fetch(`${url}/increment`, {
      method: "POST",
      headers: { "idempotency-key": key },
      signal: AbortSignal.any([ended, AbortSignal.timeout(callTimeoutMs)]),
    });
    await answer.arrayBuffer();
    if (answer.ok) return null;
    return Math.max(retryMs, msPerSecond * Number(answer.headers.get("retry-after") ?? 0));
  } catch {
    return retryMs;
  }
}

async function read(url: string, ended: AbortSignal): Promise<void> {
  try {
    await readCounter(url, ended);
  } catch {
    // A node that restarts does not answer; the next read asks again.
  }
}

const counterSchema = z.object({ value: z.number() });

/** The counter's value, linearizable. @throws Error when it is not answered */
export async function readCounter(url: string, ended?: AbortSignal): Promise<number> {
  const timeout = AbortSignal.timeout(callTimeoutMs);
  const signal = ended === undefined ? timeout : AbortSignal.any([ended, timeout]);
  const answer = await fetch(`${url}/counter`, { signal });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error(`${url}/counter: ${answer.status} ${JSON.stringify(body)}`);
  return counterSchema.parse(body).value;
}

async function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  await delay(ms, undefined, { signal: ended }).catch(() => undefined);
}
