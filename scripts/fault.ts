/** `npm run fault`: see `fault/main.ts`, which is loaded once Node.js knows where its cache is. */
import { enableCompileCache } from "node:module";
import { compileCacheDir } from "./cluster/compileCache.ts";

enableCompileCache(compileCacheDir);
const { main } = await import("./fault/main.ts");
process.exit(await main(process.argv.slice(2)));
