/** `npm run compose-hash -- FILE`: see `release/hashMain.ts`, loaded once the code cache is on. */
import { enableCompileCache } from "node:module";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./release/hashMain.ts");
process.exitCode = await main(process.argv.slice(2));
