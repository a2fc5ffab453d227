/** Loads and probes, each carried out by a process of its own. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compileCacheEnvironment } from "../../cluster/compileCache.ts";
import type { ClosedLoopOrder, ClosedLoopResult } from "./closedLoop.ts";
import type { OpenLoopOrder, OpenLoopResult } from "./openLoop.ts";
import type { ProbeOrder, ProbeResult } from "./probe.ts";
import type { Order } from "./worker.ts";

const worker = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Beyond the work itself: the process's start, last answers, arithmetic. */
const spareMs = 30_000;

/** @throws Error when the process ends without a result, as those of all three do */
export function closedLoop(order: ClosedLoopOrder): Promise<ClosedLoopResult> {
  return carryOut<ClosedLoopResult>({ kind: "closed-loop", order });
}

export function openLoop(order: OpenLoopOrder): Promise<OpenLoopResult> {
  return carryOut<OpenLoopResult>({ kind: "open-loop", order });
}

export function probe(order: ProbeOrder): Promise<ProbeResult> {
  return carryOut<ProbeResult>({ kind: "probe", order });
}

function carryOut<Result>(work: Order): Promise<Result> {
  // JSON would turn a latency that is not there, NaN, into null.
  const child = fork(worker, {
    serialization: "advanced",
    env: { ...process.env, ...compileCacheEnvironment },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), work.order.seconds * 1_000 + spareMs);
  return new Promise<Result>((resolve, reject) => {
    child.once("message", (result: Result) => resolve(result));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(
        new Error(`the process of the ${work.kind} ended without a result (${signal ?? code})`),
      );
    });
    child.send(work);
  });
}
