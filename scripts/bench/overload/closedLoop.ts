/** A closed loop over all nodes: each connection sends its next request when the last is answered. */
import { setTimeout as delay } from "node:timers/promises";
import { becomes } from "../../cluster/wait.ts";
import { type Connection, openConnection, requestText } from "./connection.ts";
import { type Latencies, latenciesOf } from "./openLoop.ts";

export type ClosedLoopOrder = {
  /** Origins; connections are shared among them evenly. */
  readonly urls: readonly string[];
  readonly connections: number;
  readonly seconds: number;
};

export type ClosedLoopResult = {
  /** Increments answered with 200. */
  readonly perSecond: number;
  readonly otherAnswers: number;
  readonly latencyMs: Latencies;
};

/** Resolves once the last requests are answered too: none is left to be carried out later. */
export async function runClosedLoop(order: ClosedLoopOrder): Promise<ClosedLoopResult> {
  const { urls, connections, seconds } = order;
  const latenciesMs: number[] = [];
  let otherAnswers = 0;
  let over = false;
  const clients = Array.from({ length: connections }, (_, position): Connection => {
    const url = new URL(urls[position % urls.length] ?? "");
    const request = requestText("POST", url, "/increment");
    const client = openConnection(url, {
      onAnswer({ status }, latencyMs) {
        if (over) return;
        if (status === 200) latenciesMs.push(latencyMs);
        else otherAnswers += 1;
        client.send(request, performance.now());
      },
      onEnd: () => undefined,
    });
    client.send(request, performance.now());
    return client;
  });
  const startedMs = performance.now();
  await delay(seconds * 1_000);
  over = true;
  const elapsedSeconds = (performance.now() - startedMs) / 1_000;
  await becomes(() => clients.every((client) => client.outstanding() === 0), lastAnswersMs);
  for (const client of clients) client.close();
  const perSecond = latenciesMs.length / elapsedSeconds;
  return { perSecond, otherAnswers, latencyMs: latenciesOf(latenciesMs) };
}

const lastAnswersMs = 10_000;
