/** `npm start`: see `start/main.ts`, which is loaded once Node.js knows where its cache is. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./start/main.ts");
const exitCode = await main(fileURLToPath(import.meta.url), process.argv.slice(2));
// A start that was given up may still wait for an answer somewhere; nothing depends on it any more.
process.exit(exitCode);
