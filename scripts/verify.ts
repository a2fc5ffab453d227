/** `npm run verify -- TARGET`: see `verify/main.ts`, loaded once the code cache is on. */
import { enableCompileCache } from "node:module";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./verify/main.ts");
process.exitCode = await main(process.argv.slice(2));
