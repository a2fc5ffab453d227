/** `compose/releases.json`: which compose hash is which image of which commit. Only ever added to. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";

const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const releaseSchema = z.strictObject({
  version: z.string().min(1),
  /** 40 hex digits. */
  gitCommit: z.string().regex(/^[0-9a-f]{40}$/),
  /** When it was committed, in seconds since the Unix epoch: the image's times. */
  sourceDateEpoch: z.number().int().nonnegative(),
  platform: z.string(),
  /** That the image is built on. */
  baseImage: z.string(),
  /** As the compose file names it: `name@` and the digest. */
  image: z.string(),
  /** Of the manifest. */
  imageDigest: sha256,
  /** Of the image's configuration; `null` where the release did not build the image itself. */
  imageId: sha256.nullable(),
  /** The app-compose.json, relative to this file. */
  appCompose: z.string(),
  /** SHA-256 of its bytes, without 0x. */
  composeHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The command that builds it again and compares. */
  reproduce: z.string(),
});
const releasesSchema = z.array(releaseSchema).readonly();

export type Release = Readonly<z.infer<typeof releaseSchema>>;

/** What is recorded cannot be read, or contradicts what should be. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

/**
 * @returns oldest first; none where there is no such file
 * @throws RecordError when the file is not of this format
 */
export async function readReleases(file: string): Promise<readonly Release[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "[]";
    throw error;
  });
  const read = releasesSchema.safeParse(parseJson(text));
  if (read.success) return read.data;
  throw new RecordError(`${file} is no record of releases: ${z.prettifyError(read.error)}`);
}

/** @throws RecordError naming the versions that are recorded */
export function requireRelease(releases: readonly Release[], version: string): Release {
  const found = releases.find((release) => release.version === version);
  if (found !== undefined) return found;
  const known = releases.map((release) => release.version).join(", ");
  throw new RecordError(`there is no release ${version}; recorded are: ${known || "none"}`);
}

/**
 * A release is what was published under its version, so another of that version is refused.
 *
 * @returns `null` when exactly this one is recorded already
 * @throws RecordError naming each field that differs, with both values
 */
export function withRelease(
  releases: readonly Release[],
  release: Release,
): readonly Release[] | null {
  const before = releases.find(({ version }) => version === release.version);
  if (before === undefined) return [...releases, release];
  const fields = Object.keys(release) as (keyof Release)[];
  const differing = fields.filter((field) => before[field] !== release[field]);
  if (differing.length === 0) return null;
  const each = differing.map((field) => `${field} ${before[field]}, now ${release[field]}`);
  throw new RecordError(
    `release ${release.version} is recorded otherwise: ${each.join("; ")}; expected a new version`,
  );
}

/** Never seen half written. */
export async function writeReleases(file: string, releases: readonly Release[]): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, `${JSON.stringify(releases, null, 2)}\n`);
  await rename(temporary, file);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
