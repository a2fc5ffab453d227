/**
 * Generates what TypeScript knows of the contract from its compiled artefact: the typed ABI for the
 * node, and the bytecode for whoever deploys it, so that deploying needs no compiler.
 *
 * `--check` writes nothing and fails if a committed module is not what the sources give.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { biome, findForge, root } from "./tools.ts";

const artefactPath = "contracts/out/DstackMembershipNFT.sol/DstackMembershipNFT.json";

type Artefact = {
  readonly abi: readonly unknown[];
  readonly bytecode: { readonly object: string };
};

function main(): void {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  execFileSync(findForge(), ["build"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });

  const artefact = JSON.parse(readFileSync(join(root, artefactPath), "utf8")) as Artefact;
  for (const [path, text] of modulesOf(artefact)) {
    if (values.check) requireCurrent(path, text);
    else writeFileSync(join(root, path), text);
  }
}

function modulesOf({
  abi,
  bytecode,
}: Artefact): readonly (readonly [path: string, text: string])[] {
  const abiText = `export const membershipAbi = ${JSON.stringify(abi)} as const;`;
  const bytecodeText = `export const membershipBytecode = "${bytecode.object}";`;
  return [
    generated("node/src/chain/membership.abi.ts", abiText),
    generated("scripts/contracts/membership.bytecode.ts", bytecodeText),
  ];
}

function generated(path: string, declaration: string): readonly [path: string, text: string] {
  const header = "// Generated from contracts/src by `npm run contracts:abi`. Do not edit.\n\n";
  const text = execFileSync(biome, ["format", `--stdin-file-path=${path}`], {
    cwd: root,
    input: `${header}${declaration}\n`,
    encoding: "utf8",
  });
  return [path, text];
}

function requireCurrent(path: string, expected: string): void {
  let actual = "";
  try {
    actual = readFileSync(join(root, path), "utf8");
  } catch {
    // Absent counts as stale: the remedy is the same.
  }
  if (actual === expected) return;
  console.error(`${path} is not what contracts/src compiles to: run \`npm run contracts:abi\``);
  process.exitCode = 1;
}

main();
