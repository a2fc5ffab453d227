/**
 * Measures which lines and branches of the contract its tests reach; fails if one is not.
 *
 * Compiled without optimizer, so that every branch of the source is one of the code.
 */
import { spawnSync } from "node:child_process";
import { findForge, root } from "./tools.ts";

type Row = { readonly file: string; readonly lines: string; readonly branches: string };

function main(): void {
  const { stdout, stderr, status } = spawnSync(
    findForge(),
    ["coverage", "--no-match-contract", "GasOf|Invariants", "--report", "summary"],
    { cwd: root, encoding: "utf8", env: { ...process.env, FOUNDRY_PROFILE: "coverage" } },
  );
  if (status !== 0) {
    console.error(stdout, stderr);
    process.exitCode = 1;
    return;
  }

  const rows = rowsOf(stdout).filter(({ file }) => file.startsWith("contracts/src/"));
  console.table(rows);
  const covered = rows.every((row) => isWhole(row.lines) && isWhole(row.branches));
  if (covered && rows.length > 0) return;
  console.error("expected every line and branch of contracts/src to be reached by a test");
  process.exitCode = 1;
}

/** The rows of forge's table: file, lines, statements, branches, functions. */
function rowsOf(report: string): Row[] {
  return report.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const [, file, lines, , branches] = cells;
    return file?.endsWith(".sol") && lines && branches ? [{ file, lines, branches }] : [];
  });
}

function isWhole(cell: string): boolean {
  return cell.startsWith("100.00%");
}

main();
