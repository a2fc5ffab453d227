/** `npm start`: see `start/main.ts`, which is loaded once Node.js knows where its cache is. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./start/main.ts");
process.exitCode = await main(fileURLToPath(import.meta.url), process.argv.slice(2));
