import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  readReleases,
  requireRelease,
  withRelease,
  writeReleases,
} from "../../../scripts/release/records.ts";
import { releaseOf } from "./samples.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "releases-"));
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

test("releases are added in order, and read back as they were written", async () => {
  const file = join(folder, "releases.json");
  expect(await readReleases(file)).toEqual([]);
  const one = withRelease([], releaseOf("1.0.0")) ?? [];
  const two = withRelease(one, { ...releaseOf("1.1.0"), imageId: null }) ?? [];
  await writeReleases(file, two);
  expect((await readReleases(file)).map(({ version }) => version)).toEqual(["1.0.0", "1.1.0"]);
  expect(await readReleases(file)).toEqual(two);
  expect(await readFile(file, "utf8")).toMatch(/^\[\n {2}\{\n {4}"version": "1\.0\.0",/);
});

test("what was released under a version stays: the same again is nothing, another is refused", () => {
  const releases = [releaseOf("1.0.0"), releaseOf("1.1.0")];
  expect(withRelease(releases, releaseOf("1.0.0"))).toBeNull();
  const other = { ...releaseOf("1.0.0"), composeHash: "ee".repeat(32), sourceDateEpoch: 8 };
  expect(() => withRelease(releases, other)).toThrow(
    `release 1.0.0 is recorded otherwise: sourceDateEpoch 1700000000, now 8; composeHash ${
      releaseOf("1.0.0").composeHash
    }, now ${"ee".repeat(32)}; expected a new version`,
  );
});

test("a version that is not recorded is told with those that are", () => {
  const releases = [releaseOf("1.0.0"), releaseOf("1.1.0")];
  expect(requireRelease(releases, "1.1.0").version).toBe("1.1.0");
  expect(() => requireRelease(releases, "2.0.0")).toThrow(
    "there is no release 2.0.0; recorded are: 1.0.0, 1.1.0",
  );
  expect(() => requireRelease([], "2.0.0")).toThrow("recorded are: none");
});

test.each<readonly [string, string]>([
  ["no JSON", "["],
  ["no list", "{}"],
  ["a digest that is none", JSON.stringify([{ ...releaseOf("1.0.0"), imageDigest: "sha256:1" }])],
  ["a field of another format", JSON.stringify([{ ...releaseOf("1.0.0"), note: "x" }])],
])("%s is no record of releases, and is not written over", async (_, text) => {
  const file = join(folder, "bad.json");
  await writeFile(file, text);
  await expect(readReleases(file)).rejects.toThrow(/bad\.json is no record of releases: /);
});
