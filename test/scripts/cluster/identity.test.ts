import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../../scripts/cluster/child.ts";
import { identityOf, isRunning, signalVerified } from "../../../scripts/cluster/identity.ts";
import { program, temporaryDir } from "./program.ts";

test("a process that ended does not run, even before its pid is free again", async () => {
  const child = await run(program("", join(await temporaryDir(), "log")));
  await child.ended;
  expect(isRunning(child.identity)).toBe(false);
});

test("another process under a recorded pid is neither taken for it nor signalled", () => {
  const impostor = { pid: process.pid, bornAt: "another time" };
  expect(isRunning(impostor)).toBe(false);
  // Were it signalled, this test would end here.
  signalVerified(impostor, "SIGKILL");
});

test("a running process keeps its identity", () => {
  const first = identityOf(process.pid);
  expect(first).not.toBeNull();
  expect(identityOf(process.pid)).toEqual(first);
});
