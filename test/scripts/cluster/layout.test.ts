import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  guestSocket,
  layoutOf,
  removeFarSockets,
  socketDirFor,
} from "../../../scripts/cluster/layout.ts";
import { temporaryDir } from "./program.ts";

test("sockets lie in the data directory where their paths are short enough", async () => {
  const dataDir = await temporaryDir();
  expect(await socketDirFor(layoutOf(dataDir), 9)).toBe(join(dataDir, "sockets"));
});

test("sockets of a deep data directory lie elsewhere, and are removed from there", async () => {
  const dataDir = join(await temporaryDir(), "deep".repeat(30));
  const socketDir = await socketDirFor(layoutOf(dataDir), 9);
  expect(Buffer.byteLength(guestSocket(socketDir, "node9"))).toBeLessThanOrEqual(103);
  expect(existsSync(socketDir)).toBe(true);

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
