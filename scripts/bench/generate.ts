/** Runs the load generator once. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compileCacheEnvironment } from "../cluster/compileCache.ts";
import type { LoadOrder, LoadResult } from "./load.ts";

const generator = fileURLToPath(new URL("load.ts", import.meta.url));
/** Beyond the load itself: its start, its last answers, its arithmetic. */
const spareMs = 30_000;

/** @throws Error when the generator ends without a result */
export function generate(order: LoadOrder): Promise<LoadResult> {
  const child = fork(generator, { env: { ...process.env, ...compileCacheEnvironment } });
  const timer = setTimeout(() => child.kill("SIGKILL"), order.seconds * 1_000 + spareMs);
  return new Promise<LoadResult>((resolve, reject) => {
    child.once("message", (result: LoadResult) => resolve(result));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the load generator ended without a result (${signal ?? code})`));
    });
    child.send(order);
  });
}
