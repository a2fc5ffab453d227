/** Builds the project's image so that another build of the same sources gives the same digest. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type ImageIdentity, writeLayout } from "./oci.ts";
import { run } from "./tools.ts";

/** TDX is of this platform alone. */
export const platform = "linux/amd64";

export type ImageSources = {
  /** The root of the project's files. */
  readonly context: string;
  /** That the image is built on; by digest, or else only an engine that has it can reproduce this. */
  readonly baseImage: string;
  /** Seconds since the Unix epoch, for the times in the image's configuration. */
  readonly epochSeconds: number;
};

const baseDefault = /^ARG NODE_IMAGE=(\S+)$/m;
const byDigest = /@sha256:[0-9a-f]{64}$/;
const digestsSchema = z.array(z.string()).nullable();

/**
 * Builds without cache, so that nothing of an earlier build can hide a difference.
 *
 * @param archive where to write the image as an OCI archive, to be pushed; `null`: nowhere
 * @throws Error with the end of the build's log
 */
export async function buildImage(
  { context, baseImage, epochSeconds }: ImageSources,
  archive: string | null,
): Promise<ImageIdentity> {
  const tag = `dstack-cluster:release-${randomBytes(6).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), "image-"));
  try {
    await run("docker", [
      ...["buildx", "build", "--no-cache", "--load", "--platform", platform],
      // Attestations name the time of the build, and would be part of what is saved.
      ...["--provenance=false", "--sbom=false"],
      ...["--build-arg", `NODE_IMAGE=${baseImage}`],
      ...["--build-arg", `SOURCE_DATE_EPOCH=${epochSeconds}`],
      ...["--file", join(context, "compose/Dockerfile"), "--tag", tag, context],
    ]);
    return await identify(tag, folder, archive);
  } finally {
    await run("docker", ["image", "rm", "--force", tag]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function identify(
  tag: string,
  folder: string,
  archive: string | null,
): Promise<ImageIdentity> {
  const [file, saved, layout] = [
    join(folder, "saved.tar"),
    join(folder, "saved"),
    join(folder, "layout"),
  ] as const;
  await run("docker", ["image", "save", "--output", file, tag]);
  await mkdir(saved);
  await run("tar", ["-xf", file, "-C", saved]);
  await rm(file);
  const identity = await writeLayout(saved, layout);
  if (archive !== null) {
    const parts = ["blobs", "index.json", "oci-layout"];
    await run("tar", ["-cf", resolve(archive), "-C", layout, ...parts]);
  }
  return identity;
}

/** @throws Error when the Dockerfile names no base */
export function baseImageIn(dockerfile: string): string {
  const [, image] = baseDefault.exec(dockerfile) ?? [];
  if (image !== undefined) return image;
  throw new Error("compose/Dockerfile names no base image: expected ARG NODE_IMAGE=…");
}

/**
 * Fixes what a tag stands for today.
 *
 * @returns the image with its digest; as it was given when the engine made it itself, and no
 *   registry knows it
 */
export async function pinnedBase(image: string): Promise<string> {
  if (isByDigest(image)) return image;
  const inspect = () =>
    run("docker", ["image", "inspect", "--format={{json .RepoDigests}}", image]);
  const digests = await inspect().catch(async () => {
    await run("docker", ["pull", "--quiet", "--platform", platform, image]);
    return inspect();
  });
  const repository = image.replace(/:[^/:]*$/, "");
  const own = digestsSchema
    .parse(JSON.parse(digests))
    ?.find((digest) => digest.startsWith(`${repository}@`));
  return own === undefined ? image : `${image}${own.slice(repository.length)}`;
}

export function isByDigest(image: string): boolean {
  return byDigest.test(image);
}
