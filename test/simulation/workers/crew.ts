/** Seeds run side by side, each worker in a process of its own: they are independent of one another. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Errand, Run } from "./errand.ts";
import { type Totals, totalsOf } from "./totals.ts";

/**
 * Runs seeds from `first` on, each once, with as many workers as there are processors.
 *
 * @param onRun told of each run as it ends, in no order; no further one begins once it returns false
 * @throws Error when a worker fails: its own words go to standard error
 */
export async function runSeeds(
  { first, last }: { readonly first: number; readonly last: number | null },
  onRun: (run: Run) => boolean,
): Promise<Totals> {
  const startedMs = performance.now();
  const runs: Run[] = [];
  const workerCount = Math.max(availableParallelism(), 1);
  let enough = false;
  const ends = Array.from({ length: workerCount }, (_, nth) => {
    const isEnough = (run: Run) => {
      if (!enough) runs.push(run);
      enough ||= !onRun(run);
      return enough;
    };
    return send({ from: first + nth, every: workerCount, to: last }, isEnough);
  });
  await Promise.all(ends);
  return totalsOf(runs, (performance.now() - startedMs) / 1_000);
}

function send(errand: Errand, isEnough: (run: Run) => boolean): Promise<void> {
  const worker = fork(new URL("./worker.ts", import.meta.url), [JSON.stringify(errand)], {
    execArgv: [],
  });
  let dismissed = false;
  worker.on("message", (run: Run) => {
    if (dismissed || !isEnough(run)) return;
    dismissed = true;
    worker.kill();
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", (code, signal) => {
      if (code === 0 || dismissed) resolve();
      else reject(new Error(`a worker ended with ${code ?? signal}`));
    });
  });
}
