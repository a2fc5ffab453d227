/** `npm run verify-receipt -- FILE`: see `receipt/main.ts`, loaded once the code cache is on. */
import { enableCompileCache } from "node:module";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./receipt/main.ts");
process.exitCode = await main(process.argv.slice(2));
