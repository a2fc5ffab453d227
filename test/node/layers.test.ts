import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const root = "node/src";
/** Outermost first. A module imports from itself or from a row below; never from a sibling. */
const rows = [
  ["main"],
  ["compose"],
  ["chain", "config", "http", "storage", "tee", "telemetry", "transport"],
  ["runtime"],
  ["application"],
  ["consensus"],
  ["errors"],
];
/** Modules that may import no package at all. */
const pure = ["application", "consensus", "errors"];

const moduleOf = (path: string): string => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";
const rowOf = (name: string): number => rows.findIndex((row) => row.includes(name));
const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/\b(?:from|import) "([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );

const files = globSync("**/*.ts", { cwd: root });

test("every module has a row", () => {
  expect(files.map(moduleOf).filter((name) => rowOf(name) < 0)).toEqual([]);
});

test("imports point inward", () => {
  const outward = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => relative(root, join(root, dirname(file), specifier)))
      .filter((target) => moduleOf(target) !== moduleOf(file))
      .filter((target) => rowOf(moduleOf(target)) <= rowOf(moduleOf(file)))
      .map((target) => `${file} -> ${target}`),
  );
  expect(outward).toEqual([]);
});

test("the pure modules import no package", () => {
  const packages = files
    .filter((file) => pure.includes(moduleOf(file)))
    .flatMap((file) => importsOf(file).filter((specifier) => !specifier.startsWith(".")));
  expect(packages).toEqual([]);
});

test("no file but main reads the environment", () => {
  const readers = files.filter((file) =>
    readFileSync(join(root, file), "utf8").includes("process.env"),
  );
  expect(readers).toEqual(["main.ts"]);
});
