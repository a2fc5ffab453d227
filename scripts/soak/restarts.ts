/** Restarts one node after another, so far apart; each serves again before the next goes. */
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster/handle.ts";

const serveMs = 60_000;
const msPerMinute = 60_000;

/**
 * @param everyMinutes null: none
 * @returns how many, once `signal` has ended it
 * @throws StartError when a node does not come back
 */
export async function keepRestarting(
  cluster: Cluster,
  everyMinutes: number | null,
  signal: AbortSignal,
): Promise<number> {
  if (everyMinutes === null) return 0;
  let restarts = 0;
  for (;;) {
    await delay(everyMinutes * msPerMinute, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return restarts;
    const positions = cluster.positions();
    const position = positions[restarts % positions.length] ?? 0;
    await cluster.kill(position, "SIGTERM");
    await cluster.restart(position);
    await cluster.waitUntilServing(serveMs, [position]);
    restarts += 1;
  }
}
