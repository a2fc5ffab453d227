import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyChainState, repairChainState } from "../../../scripts/cluster/chainState.ts";
import { temporaryDir } from "./program.ts";

const whole = JSON.stringify({ block: { number: 12 } });
const torn = whole.slice(0, 9);

test("a torn state gives way to its last whole copy, and is kept aside", async () => {
  const state = join(await temporaryDir(), "state.json");
  await writeFile(state, whole);
  await copyChainState(state);
  await writeFile(state, torn);

  expect(repairChainState(state)).toContain("went back to the last copy");

  expect(await readFile(state, "utf8")).toBe(whole);
  expect(await readFile(`${state}.torn`, "utf8")).toBe(torn);
});

test("a torn state never replaces a whole copy", async () => {
  const state = join(await temporaryDir(), "state.json");
  await writeFile(state, whole);
  await copyChainState(state);
  await writeFile(state, torn);

  await copyChainState(state);

  repairChainState(state);
  expect(await readFile(state, "utf8")).toBe(whole);
});

test("a torn state without a copy is put aside, so that the loss shows", async () => {
  const state = join(await temporaryDir(), "state.json");
  await writeFile(state, torn);

  expect(repairChainState(state)).toContain("there is no copy");
  expect(existsSync(state)).toBe(false);
});

test("a whole state, or none, is left alone", async () => {
  const state = join(await temporaryDir(), "state.json");
  expect(repairChainState(state)).toBeNull();
  await writeFile(state, whole);
  expect(repairChainState(state)).toBeNull();
  expect(await readFile(state, "utf8")).toBe(whole);
});
