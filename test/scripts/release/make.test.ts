/** Releases of a small repository, of an image that was pushed already. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeRelease } from "../../../scripts/release/make.ts";
import { digest } from "./samples.ts";

const execute = promisify(execFile);
const epochSeconds = 1_700_000_000;
let repository: string;
let record: string;
let notes: string[];

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), "release-"));
  record = join(repository, "compose/releases.json");
  notes = [];
  await mkdir(join(repository, "compose"));
  await write("package.json", '{"version":"1.0.0"}');
  await write("compose/Dockerfile", "ARG NODE_IMAGE=node:24-slim\n");
  await write("compose/dstack.yaml", `services:\n  a:\n    image: \${NODE_IMAGE:?x}\n`);
  await git("init", "--quiet");
  await commit();
});

afterEach(async () => rm(repository, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await writeFile(join(repository, path), text);
}

async function git(...args: readonly string[]): Promise<string> {
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  const env = { ...process.env, GIT_COMMITTER_DATE: `${epochSeconds} +0000` };
  return (await execute("git", [...author, ...args], { cwd: repository, env })).stdout.trim();
}

async function commit(): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "a");
}

const image = `ghcr.io/x/y@${digest}`;
const make = (options: { version?: string; image?: string; revision?: string } = {}) =>
  makeRelease({
    repository,
    record,
    version: options.version ?? "1.0.0",
    revision: options.revision ?? "HEAD",
    source: { kind: "pushed", image: options.image ?? image },
    base: null,
    note: (text) => notes.push(text),
  });

test("a release records commit, image, and the hash of the file that it writes", async () => {
  const head = await git("rev-parse", "HEAD");
  const { release, isNew } = await make();

  const file = await readFile(join(repository, "compose", release.appCompose));
  expect(isNew).toBe(true);
  expect(release).toEqual({
    version: "1.0.0",
    gitCommit: head,
    sourceDateEpoch: epochSeconds,
    platform: "linux/amd64",
    baseImage: "node:24-slim",
    image,
    imageDigest: digest,
    imageId: null,
    appCompose: "releases/1.0.0/app-compose.json",
    composeHash: createHash("sha256").update(file).digest("hex"),
    reproduce: "npm run release -- --check 1.0.0",
  });
  expect(JSON.parse(await readFile(record, "utf8"))).toEqual([release]);
  expect(JSON.parse(file.toString())).toMatchObject({
    docker_compose_file: `services:\n  a:\n    image: ${image}\n`,
  });
  expect(notes.join("\n")).toContain("warning: node:24-slim has no digest");
});

test("it is of the commit, whatever the working tree holds", async () => {
  await write("compose/dstack.yaml", "changed");
  await write("package.json", "changed");
  const { release } = await make();
  await commit();
  expect(await make({ revision: release.gitCommit })).toEqual({ release, isNew: false });
});

test("another image under a released version is refused, and changes no file", async () => {
  const { release } = await make();
  const other = `ghcr.io/x/y@sha256:${"ef".repeat(32)}`;
  await expect(make({ image: other })).rejects.toThrow(
    /^release 1\.0\.0 is recorded otherwise: image ghcr.*expected a new version$/,
  );
  expect(JSON.parse(await readFile(record, "utf8"))).toEqual([release]);
  const file = await readFile(join(repository, "compose", release.appCompose), "utf8");
  expect(file).toContain(digest);
});

test("a commit of another version is refused", async () => {
  await expect(make({ version: "1.1.0" })).rejects.toThrow(
    /^package\.json of commit [0-9a-f]{40} is of version 1\.0\.0; expected 1\.1\.0$/,
  );
  await expect(stat(record)).rejects.toThrow(/ENOENT/);
});

test("a compose file that fixes not every image is refused", async () => {
  await write("compose/dstack.yaml", `a:\n  image: \${NODE_IMAGE}\nb:\n  image: caddy:2\n`);
  await commit();
  await expect(make()).rejects.toThrow(
    "compose/dstack.yaml: line 4 names an image without digest, caddy:2: expected name@sha256:…",
  );
});

test("a revision that is none is refused in git's words", async () => {
  await expect(make({ revision: "v9" })).rejects.toThrow(/^git log failed: .*v9/s);
});
