/** A release is built from one checkout, and again from another: nothing but the commit counts. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { checkRelease } from "../../scripts/release/check.ts";
import { makeRelease } from "../../scripts/release/make.ts";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const sources = [
  ".dockerignore",
  ".npmrc",
  "compose",
  "node/src",
  "package-lock.json",
  "package.json",
  "scripts",
  "simulator/src",
];
const note = () => undefined;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reproduced-"));
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

/** The files as they are now, as the only commit of a repository. */
async function commitSources(repository: string): Promise<void> {
  for (const path of sources) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await cp(join(root, path), join(repository, path), { recursive: true });
  }
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  await git(repository, "init", "--quiet");
  await git(repository, "add", "--all", "--force");
  await git(repository, ...author, "commit", "--quiet", "--message", "a");
}

async function git(repository: string, ...args: readonly string[]): Promise<void> {
  await execute("git", args, { cwd: repository });
}

test("another checkout, later and with other file modes, builds the same image", async () => {
  const [here, there] = [join(folder, "here"), join(folder, "there")];
  await commitSources(here);
  const record = join(folder, "releases.json");
  const text = await readFile(join(here, "package.json"), "utf8");
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(text));
  const { release } = await makeRelease({
    repository: here,
    record,
    version,
    revision: "HEAD",
    source: { kind: "build", name: "example.org/node", oci: null },
    base: null,
    note,
  });

  // What git writes into the second build's folder, its owner alone may read.
  await git(folder, "clone", "--quiet", "--config", "tar.umask=0077", here, there);
  const checks = await checkRelease({ repository: there, record, version, oci: null, note });

  expect(checks).toEqual([
    { what: "image digest", expected: release.imageDigest, found: release.imageDigest },
    { what: "image id", expected: release.imageId, found: release.imageId },
    { what: "compose hash", expected: release.composeHash, found: release.composeHash },
    {
      what: "its image",
      expected: release.image,
      found: `example.org/node@${release.imageDigest}`,
    },
  ]);
});
