/** Holds what is recorded of a release against a new build, and against the file beside the record. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commitAt } from "./commit.ts";
import { composeHashOf, parseAppCompose } from "./composeHash.ts";
import { isByDigest } from "./image.ts";
import { buildCommit } from "./make.ts";
import { type Release, readReleases, requireRelease } from "./records.ts";

export type Check = { readonly what: string; readonly expected: string; readonly found: string };

export type CheckRequest = {
  readonly repository: string;
  readonly record: string;
  readonly version: string;
  /** Where to write the image that is built, as an OCI archive; `null`: nowhere. */
  readonly oci: string | null;
  readonly note: (text: string) => void;
};

/**
 * @returns every value that was compared; the release is reproduced when none differs
 * @throws RecordError when there is no such release
 * @throws Error when its commit is not here, or cannot be built
 */
export async function checkRelease(request: CheckRequest): Promise<readonly Check[]> {
  const { repository, record, version, oci, note } = request;
  const release = requireRelease(await readReleases(record), version);
  const commit = await commitAt(repository, release.gitCommit);
  note(`building commit ${commit.id} on ${release.baseImage}`);
  if (!isByDigest(release.baseImage)) {
    note(
      `warning: ${release.baseImage} is recorded without digest: another one gives another image`,
    );
  }
  const built = await buildCommit({ repository, commit, baseImage: release.baseImage }, oci);
  const { imageId } = release;
  return [
    { what: "image digest", expected: release.imageDigest, found: built.digest },
    ...(imageId === null ? [] : [{ what: "image id", expected: imageId, found: built.imageId }]),
    ...(await checkFile(join(dirname(record), release.appCompose), release)),
  ];
}

export function isReproduced(checks: readonly Check[]): boolean {
  return checks.every(({ expected, found }) => expected === found);
}

async function checkFile(file: string, release: Release): Promise<readonly Check[]> {
  const bytes = await readFile(file);
  const { docker_compose_file } = parseAppCompose(bytes);
  const named = /^\s*image: (\S+)$/m.exec(String(docker_compose_file))?.[1] ?? "none";
  return [
    { what: "compose hash", expected: release.composeHash, found: composeHashOf(bytes) },
    { what: "its image", expected: release.image, found: named },
  ];
}
