/** `npm run release`: see `release/releaseMain.ts`, loaded once the code cache is on. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./release/releaseMain.ts");
const repository = fileURLToPath(new URL("..", import.meta.url));
process.exitCode = await main(repository, process.argv.slice(2));
