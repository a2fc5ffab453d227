import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stripModule } from "../../../scripts/release/strip.ts";

const execute = promisify(execFile);
const strip = join(import.meta.dirname, "../../../scripts/release/strip.ts");
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "strip-"));
});

afterEach(async () => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, dirname(path)), { recursive: true });
  await writeFile(join(root, path), text);
}

test("types become blanks, so that every line and column stays where it was", () => {
  const source =
    'import type { A } from "./a.ts";\nexport const twice = (n: number): number => 2 * n;';
  const { code } = stripModule("b.ts", source);
  expect(code.split("\n")[1]).toBe("export const twice = (n        )         => 2 * n;");
  expect(code.split("\n")[0]).toMatch(/^ *;?$/);
});

test("every form of a relative import is followed, resolved against its file", () => {
  const source = [
    'import { a } from "./a.ts";',
    'import "../b.ts";',
    'export { c } from "../d/c.ts";',
    'const e = await import("./e.ts");',
    'new Worker(new URL("./thread.ts", import.meta.url));',
    'import { z } from "zod";',
  ].join("\n");
  const { code, imports } = stripModule("node/src/x.ts", source);
  expect(imports).toEqual([
    "node/src/a.ts",
    "node/b.ts",
    "node/d/c.ts",
    "node/src/e.ts",
    "node/src/thread.ts",
  ]);
  expect(code).toBe(source.replaceAll('.ts"', '.js"'));
});

test("programs run as they are copied, without what they do not import", async () => {
  await write("package.json", '{"type":"module"}');
  await write("lib/cycle.ts", 'import { name } from "./name.ts"; export const cycle = () => name;');
  await write(
    "lib/name.ts",
    'import { cycle } from "./cycle.ts"; export const name: string = "it"; export const later = () => cycle;',
  );
  await write("lib/untracked.ts", "export const junk = 1;");
  await write("main.ts", 'const { cycle } = await import("./lib/cycle.ts"); console.log(cycle());');

  await execute(process.execPath, [strip, "out", "main.ts"], { cwd: root });

  const copied = await readdir(join(root, "out"), { recursive: true });
  expect(copied.sort()).toEqual(["lib", "lib/cycle.js", "lib/name.js", "main.js"]);
  await write("out/package.json", '{"type":"module"}');
  const { stdout } = await execute(process.execPath, ["--no-strip-types", "out/main.js"], {
    cwd: root,
  });
  expect(stdout).toBe("it\n");
  expect(await readFile(join(root, "out/lib/name.js"), "utf8")).not.toContain(": string");
});

test("an import of nothing names the file that asks for it", async () => {
  await write("main.ts", 'import "./gone.ts";');
  await expect(execute(process.execPath, [strip, "out", "main.ts"], { cwd: root })).rejects.toThrow(
    /main\.ts names gone\.ts, which cannot be read/,
  );
});

test("without a program it says what it expects", async () => {
  await expect(execute(process.execPath, [strip, "out"], { cwd: root })).rejects.toMatchObject({
    code: 2,
    stderr: "error: expected the output's folder, and at least one program\n",
  });
});
