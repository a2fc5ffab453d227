/** Runs forge with the given options and ends as it ends: `node scripts/contracts/forge.ts fmt`. */
import { spawnSync } from "node:child_process";
import { findForge, root } from "./tools.ts";

const { status, error } = spawnSync(findForge(), process.argv.slice(2), {
  cwd: root,
  stdio: "inherit",
});
if (error) throw error;
process.exitCode = status ?? 1;
