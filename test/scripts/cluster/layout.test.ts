import { existsSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  controlSocket,
  guestSocket,
  layoutOf,
  makeSocketDir,
  removeFarSockets,
} from "../../../scripts/cluster/layout.ts";
import { temporaryDir } from "./program.ts";

test("sockets lie in the data directory where their paths are short enough", async () => {
  const dataDir = await temporaryDir();
  const socketDir = await makeSocketDir(layoutOf(dataDir));
  expect(socketDir).toBe(join(dataDir, "sockets"));
  expect(statSync(socketDir).mode & 0o777).toBe(0o700);
});

test("sockets of a deep data directory lie elsewhere, and are removed from there", async () => {
  const dataDir = join(await temporaryDir(), "deep".repeat(30));
  const socketDir = await makeSocketDir(layoutOf(dataDir));
  for (const path of [guestSocket(socketDir, "node99"), controlSocket(socketDir)]) {
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
  }
  expect(statSync(socketDir).mode & 0o777).toBe(0o700);

  removeFarSockets(socketDir);
  expect(existsSync(socketDir)).toBe(false);
});

test("no other folder is taken for one of sockets", async () => {
  const dataDir = await temporaryDir();
  const near = join(dataDir, "sockets");
  await mkdir(near);
  removeFarSockets(near);
  removeFarSockets(dataDir);
  expect(existsSync(near)).toBe(true);
});
