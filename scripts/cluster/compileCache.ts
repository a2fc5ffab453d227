/**
 * Where Node.js keeps the code that it has compiled, types already stripped. Without it every
 * process strips and compiles every file at each start, and holds the stripper in memory from then
 * on: measured here, 0.5 s and 25 MB more for each node.
 */
import { fileURLToPath } from "node:url";

/** Beside the packages, hence as trusted as they are; a shared temporary folder would not be. */
export const compileCacheDir = fileURLToPath(
  new URL("../../node_modules/.cache/compile", import.meta.url),
);

export const compileCacheEnvironment = { NODE_COMPILE_CACHE: compileCacheDir } as const;
