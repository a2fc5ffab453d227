/** Where the project is, and the tools that `npm ci` put there. */
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** Path of an installed tool, whatever PATH says. */
export function tool(name: "biome" | "forge"): string {
  return join(root, "node_modules/.bin", name);
}
