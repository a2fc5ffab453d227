/** The programs that a local cluster runs, found before anything starts. */
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartError } from "./failure.ts";

export type Programs = {
  /** anvil's own binary: the npm package's wrapper would leave it behind when killed. */
  readonly anvil: string;
  /** This very Node.js, so that all run on one. */
  readonly node: string;
  readonly simulatorMain: string;
  readonly nodeMain: string;
};

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param anvilOverride a path to use instead of the one from npm
 * @throws StartError naming what is missing and how to get it
 */
export function findPrograms(anvilOverride: string | undefined): Programs {
  return {
    anvil: anvilOverride === undefined ? anvilFromNpm() : executable(anvilOverride, "ANVIL"),
    node: process.execPath,
    simulatorMain: readable(join(projectRoot, "simulator", "src", "main.ts")),
    nodeMain: readable(join(projectRoot, "node", "src", "main.ts")),
  };
}

function anvilFromNpm(): string {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const platformPackage = `@foundry-rs/anvil-${process.platform}-${architecture}`;
  const wrapper = createRequire(import.meta.url);
  try {
    const home = dirname(wrapper.resolve(`${platformPackage}/package.json`));
    return executable(join(home, "bin", "anvil"), platformPackage);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `anvil is missing: the npm package ${platformPackage} is not installed; run \`npm ci\`, ` +
        "or set ANVIL to the path of one",
    );
  }
}

function executable(path: string, source: string): string {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    throw new StartError(`${path} (from ${source}) is not a program that can be run`);
  }
}

function readable(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch {
    throw new StartError(`${path} is missing: is this a whole checkout of the project?`);
  }
}
