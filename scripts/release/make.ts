/** From a commit to its record: image, app-compose.json, compose hash. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { appComposeOf } from "./appCompose.ts";
import { type Commit, commitAt, exportCommit, fileAt } from "./commit.ts";
import { composeHashOf, openEndsOf } from "./composeHash.ts";
import { baseImageIn, buildImage, isByDigest, pinnedBase, platform } from "./image.ts";
import { type Release, readReleases, withRelease, writeReleases } from "./records.ts";

export type ImageSource =
  | { readonly kind: "pushed"; readonly image: string }
  | { readonly kind: "build"; readonly name: string; readonly oci: string | null };

export type ReleaseRequest = {
  readonly repository: string;
  /** The file of the releases; what is generated goes beside it. */
  readonly record: string;
  readonly version: string;
  readonly revision: string;
  readonly source: ImageSource;
  /** `null`: the Dockerfile's own, by the digest that its tag has today. */
  readonly base: string | null;
  /** Progress and warnings. */
  readonly note: (text: string) => void;
};

type MadeImage = Pick<Release, "image" | "imageDigest" | "imageId">;

const packageSchema = z.object({ version: z.string() });

/**
 * @returns the release, and whether it was not recorded before
 * @throws RecordError when the version is recorded with other values
 * @throws Error when the commit is not of this version, or its image cannot be built
 */
export async function makeRelease(
  request: ReleaseRequest,
): Promise<{ readonly release: Release; readonly isNew: boolean }> {
  const { repository, record, version, revision, source, note } = request;
  const releases = await readReleases(record);
  const commit = await commitAt(repository, revision);
  await requireVersion(repository, commit, version);
  const baseImage = await baseFor(request, commit);
  note(`release ${version} of commit ${commit.id}, on ${baseImage}`);

  const image = await imageFrom(repository, commit, baseImage, source);
  const composeFile = await fileAt(repository, commit, "compose/dstack.yaml");
  const appCompose = new TextEncoder().encode(appComposeOf(composeFile, image.image));
  const openEnds = openEndsOf(appCompose);
  if (openEnds.length > 0) throw new Error(`compose/dstack.yaml: ${openEnds.join("; ")}`);
  const path = `releases/${version}/app-compose.json`;
  const release: Release = {
    version,
    gitCommit: commit.id,
    sourceDateEpoch: commit.epochSeconds,
    platform,
    baseImage,
    ...image,
    appCompose: path,
    composeHash: composeHashOf(appCompose),
    reproduce: `npm run release -- --check ${version}`,
  };
  const extended = withRelease(releases, release);
  // The file first: a record names nothing that is not there.
  const file = join(dirname(record), path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, appCompose);
  if (extended !== null) await writeReleases(record, extended);
  return { release, isNew: extended !== null };
}

/** A node logs the version of its package.json, which must then be the release's. */
async function requireVersion(repository: string, commit: Commit, version: string): Promise<void> {
  const text = await fileAt(repository, commit, "package.json");
  const found = packageSchema.parse(JSON.parse(text)).version;
  if (found === version) return;
  throw new Error(
    `package.json of commit ${commit.id} is of version ${found}; expected ${version}`,
  );
}

async function baseFor(
  { repository, base, source, note }: ReleaseRequest,
  commit: Commit,
): Promise<string> {
  const named = base ?? baseImageIn(await fileAt(repository, commit, "compose/Dockerfile"));
  const pinned = source.kind === "pushed" ? named : await pinnedBase(named);
  if (!isByDigest(pinned)) {
    note(
      `warning: ${named} has no digest: only an engine that holds this very image reproduces it`,
    );
  }
  return pinned;
}

async function imageFrom(
  repository: string,
  commit: Commit,
  baseImage: string,
  source: ImageSource,
): Promise<MadeImage> {
  if (source.kind === "pushed") {
    const { image } = source;
    return { image, imageDigest: image.slice(image.indexOf("@") + 1), imageId: null };
  }
  const { digest, imageId } = await buildCommit({ repository, commit, baseImage }, source.oci);
  return { image: `${source.name}@${digest}`, imageDigest: digest, imageId };
}

/** From the commit's own files, so that nothing untracked or unsaved takes part. */
export async function buildCommit(
  from: { readonly repository: string; readonly commit: Commit; readonly baseImage: string },
  oci: string | null,
) {
  const folder = await mkdtemp(join(tmpdir(), "release-"));
  const context = join(folder, "sources");
  try {
    await exportCommit(from.repository, from.commit, context);
    const { baseImage, commit } = from;
    return await buildImage({ context, baseImage, epochSeconds: commit.epochSeconds }, oci);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
