/** Asks each node for its status, so many times a second, on a connection of its own. */
import { z } from "zod";
import { openConnection, requestText } from "./connection.ts";
import { type Latencies, latenciesOf } from "./openLoop.ts";

export type ProbeOrder = {
  readonly urls: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly timeoutMs: number;
};

export type ProbeResult = {
  readonly asked: number;
  /** With 200 and within the time-out. */
  readonly answered: number;
  readonly latencyMs: Latencies;
  readonly byUrl: readonly Latencies[];
  /** Different terms that were told, ascending. */
  readonly terms: readonly number[];
};

const statusSchema = z.object({ term: z.number() });

export async function runProbe({ urls, ...order }: ProbeOrder): Promise<ProbeResult> {
  const probes = await Promise.all(urls.map((url) => probeOne(new URL(url), order)));
  const latencies = probes.map(({ latenciesMs }) => latenciesMs);
  return {
    asked: probes.reduce((sum, { asked }) => sum + asked, 0),
    answered: latencies.flat().length,
    latencyMs: latenciesOf(latencies.flat()),
    byUrl: latencies.map(latenciesOf),
    terms: [...new Set(probes.flatMap(({ terms }) => [...terms]))].sort((a, b) => a - b),
  };
}

type Probe = {
  readonly asked: number;
  readonly latenciesMs: readonly number[];
  readonly terms: ReadonlySet<number>;
};

function probeOne(url: URL, order: Omit<ProbeOrder, "urls">): Promise<Probe> {
  const request = requestText("GET", url, "/status");
  const latenciesMs: number[] = [];
  const terms = new Set<number>();
  const total = Math.round(order.perSecond * order.seconds);
  let asked = 0;
  const connect = () =>
    openConnection(url, {
      onAnswer({ status, body }, latencyMs) {
        if (status !== 200 || latencyMs > order.timeoutMs) return;
        latenciesMs.push(latencyMs);
        terms.add(statusSchema.parse(JSON.parse(body)).term);
      },
      onEnd: () => undefined,
    });
  let connection = connect();
  return new Promise<Probe>((resolve) => {
    const asking = setInterval(() => {
      if (!connection.isOpen()) connection = connect();
      if (asked < total) {
        connection.send(request, performance.now());
        asked += 1;
        return;
      }
      clearInterval(asking);
      setTimeout(() => {
        connection.close();
        resolve({ asked, latenciesMs, terms });
      }, order.timeoutMs);
    }, 1_000 / order.perSecond);
  });
}
