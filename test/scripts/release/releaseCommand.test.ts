/** `npm run release` as a person runs it, short of what needs an engine, and what it answers. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseReleaseOptions } from "../../../scripts/release/releaseCli.ts";
import { checkText, releaseText } from "../../../scripts/release/releaseReport.ts";
import { digest, releaseOf } from "./samples.ts";

const execute = promisify(execFile);
const version = ["--version", "1.0.0"];
const image = ["--image", `x/y@${digest}`];
let folder: string;
let record: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "release-"));
  record = join(folder, "releases.json");
  await writeFile(record, JSON.stringify([releaseOf("1.0.0")]));
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[]) {
  const command = ["scripts/release.ts", ...args];
  const ran = execute(process.execPath, command).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  const { code, stdout, stderr } = await ran;
  return { code, output: stdout, complaint: stderr };
}

test.each<readonly [args: readonly string[], complaint: RegExp]>([
  [[], /expected --version, or --check with a recorded one/],
  [version, /expected either --build or --image/],
  [[...version, ...image, "--build", "x/y"], /expected either --build or --image/],
  [[...version, ...image, "--oci", "x.tar"], /--oci writes what is built: it needs --build/],
  [[...version, "--image", "x/y:1.0.0"], /Expected name@sha256:… with 64 hex digits, without tag/],
  [[...version, "--image", "x/y@sha256:12"], /Expected name@sha256:… with 64 hex digits/],
  [[...version, "--image", `x/y:1@${digest}`], /Expected name@sha256:… .* without tag/],
  [[...version, "--build", "x/y:1"], /Expected an image's name without tag and digest/],
  [["--version", "1.0"], /Expected a version like 1\.2\.3/],
  [["--check", "1.0.0", ...image], /--check takes all of the record/],
  [["--check", "1.0.0", "--commit", "HEAD"], /--check takes all of the record/],
])("what cannot be used as it is given exits with 2", async (args, complaint) => {
  const ended = await run(args);
  expect(ended.complaint).toMatch(complaint);
  expect(ended).toMatchObject({ code: 2, output: "" });
});

test("a release that is not recorded cannot be checked", async () => {
  expect(await run(["--check", "2.0.0", "--record", record])).toEqual({
    code: 1,
    output: "",
    complaint: "error: there is no release 2.0.0; recorded are: 1.0.0\n",
  });
});

test("a registry's port is part of an image's name", () => {
  const name = `localhost:5000/x/y@${digest}`;
  expect(parseReleaseOptions([...version, "--image", name]).image).toBe(name);
});

test("what differs is told with both values", () => {
  const same = { what: "image id", expected: "a", found: "a" };
  const other = { what: "image digest", expected: "a", found: "b" };
  expect(checkText("1.0.0", [same, other])).toBe(
    "what          result   value\n" +
      "image id      ok       a\n" +
      "image digest  differs  recorded a, found b\n\n" +
      "Release 1.0.0 is not reproduced.",
  );
  expect(checkText("1.0.0", [same])).toMatch(/\n\nRelease 1\.0\.0 is reproduced\.$/);
});

test("what is recorded is told field by field", () => {
  const text = releaseText({ ...releaseOf("1.0.0"), imageId: null }, true);
  expect(text).toContain(`\nimageDigest      ${digest}\nimageId          not known\n`);
  expect(text).toMatch(/\n\nRelease 1\.0\.0 is recorded\.$/);
  expect(releaseText(releaseOf("1.0.0"), false)).toMatch(/Release 1\.0\.0 was recorded before\.$/);
});
