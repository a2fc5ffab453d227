/** Where the project is, and the tools that `npm ci` put there. */
import { createRequire } from "node:module";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export const biome = join(root, "node_modules/.bin/biome");

/**
 * Path of forge itself. Not of `node_modules/.bin/forge`: that one ends with 0 even when forge does
 * not, so that no check made through it could ever fail.
 *
 * @throws Error if forge is not installed for this platform
 */
export function findForge(): string {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const binary = `@foundry-rs/forge-${process.platform}-${architecture}/bin/forge`;
  return createRequire(import.meta.url).resolve(binary);
}
