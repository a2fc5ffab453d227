/** Makes a release from a commit, or holds a recorded one against a new build. */
import { CommanderError } from "commander";
import { reasonOf } from "../cluster/failure.ts";
import { checkRelease, isReproduced } from "./check.ts";
import { makeRelease } from "./make.ts";
import { parseReleaseOptions, type ReleaseOptions } from "./releaseCli.ts";
import { checkText, jsonOf, releaseText } from "./releaseReport.ts";

const done = 0;
const notDone = 1;
const misused = 2;

/**
 * @param repository the root of the project
 * @returns 0 when the release is recorded or reproduced, 1 when not, 2 for bad usage
 */
export async function main(repository: string, args: readonly string[]): Promise<number> {
  try {
    const options = parseReleaseOptions(args);
    const { check } = options;
    return await (check === undefined
      ? make(repository, options)
      : compare(repository, options, check));
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? done : misused;
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    return notDone;
  }
}

async function make(repository: string, options: ReleaseOptions): Promise<number> {
  const { version = "", build, image = "", commit, record } = options;
  const { base = null, oci = null } = options;
  const { release, isNew } = await makeRelease({
    repository,
    record,
    version,
    revision: commit,
    source: build === undefined ? { kind: "pushed", image } : { kind: "build", name: build, oci },
    base,
    note,
  });
  process.stdout.write(`${options.json ? jsonOf(release) : releaseText(release, isNew)}\n`);
  return done;
}

async function compare(
  repository: string,
  options: ReleaseOptions,
  version: string,
): Promise<number> {
  const { record, oci = null, json } = options;
  const checks = await checkRelease({ repository, record, version, oci, note });
  const reproduced = isReproduced(checks);
  process.stdout.write(`${json ? jsonOf({ reproduced, checks }) : checkText(version, checks)}\n`);
  return reproduced ? done : notDone;
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
