/**
 * The load generator: a process of its own, so that neither the measuring program's work nor its
 * garbage is in the figures. Takes one `LoadOrder` from its parent and answers with a `LoadResult`.
 */
import autocannon from "autocannon";
import { percentile } from "./percentile.ts";
import type { Target } from "./subject.ts";

export type LoadOrder = {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
};

export type LoadResult = {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How long the load lasted. */
  readonly elapsedSeconds: number;
  /** Connection errors, timeouts, and answers other than 2xx. */
  readonly failed: number;
};

process.once("message", (order: LoadOrder) => {
  load(order).then(
    (result) => process.send?.(result, undefined, undefined, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

async function load({ target, connections, seconds }: LoadOrder): Promise<LoadResult> {
  // autocannon's own histogram counts whole milliseconds; a local write takes less than one.
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: target.url,
        method: target.method,
        connections,
        duration: seconds,
        ...(target.body === null ? {} : jsonBody(target.body)),
      },
      (error: unknown, done) => (error ? reject(error) : resolve(done)),
    );
    instance.on("response", (_client, status, _bytes, latencyMs) => {
      if (status >= 200 && status < 300) latenciesMs.push(latencyMs);
    });
  });
  const elapsedSeconds = (performance.now() - startedMs) / 1_000;
  const ascending = Float64Array.from(latenciesMs).sort();
  return {
    requestsPerSecond: ascending.length / elapsedSeconds,
    p50Ms: percentile(ascending, 0.5),
    p99Ms: percentile(ascending, 0.99),
    elapsedSeconds,
    failed: result.errors + result.timeouts + result.non2xx,
  };
}

function jsonBody(body: string) {
  return { body, headers: { "content-type": "application/json" } };
}
