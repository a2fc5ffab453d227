/** Every numbered rule of protocol.md has a test that is named for it, and no test names another. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const document = readFileSync("node/src/consensus/protocol.md", "utf8");
const rules = [...document.matchAll(/^- \*\*(\d+\.\d+)\*\*/gm)].map(([, rule]) => rule ?? "");

/** The rules that begin a first argument, as they do the names given to `test` and `test.each`. */
function citedIn(file: string): readonly string[] {
  const names = readFileSync(file, "utf8").matchAll(/\(\s*["'`](\d+\.\d+) /g);
  return [...names].map(([, rule]) => rule ?? "");
}

const own = globSync("test/node/consensus/**/*.test.ts");
const elsewhere = globSync(["test/node/**/*.test.ts", "test/cluster/**/*.test.ts"]);

test("the rules are numbered, each once", () => {
  expect(rules.length).toBeGreaterThan(0);
  expect(new Set(rules).size).toBe(rules.length);
});

test("every rule has a test whose name begins with it", () => {
  const cited = new Set([...own, ...elsewhere].flatMap(citedIn));
  expect(rules.filter((rule) => !cited.has(rule))).toEqual([]);
});

test("no test of the core names a rule that does not exist", () => {
  const unknown = own.flatMap((file) =>
    citedIn(file)
      .filter((rule) => !rules.includes(rule))
      .map((rule) => `${file}: ${rule}`),
  );
  expect(unknown).toEqual([]);
});
