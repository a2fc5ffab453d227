import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { golden, vectors } from "./vectors.ts";

/** What the file says of itself, and host names at a gateway, which nothing here reads. */
const beyondThisProject = ["_about", "gateway_sni"];

golden("everything that was recorded is compared with somewhere here", () => {
  const tests = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  const text = tests.map((name) => readFileSync(join(import.meta.dirname, name), "utf8")).join();
  const keys = Object.keys(vectors()).filter((key) => !beyondThisProject.includes(key));
  expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
});
