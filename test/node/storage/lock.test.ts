import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { openNoting, temporaryDirectory } from "./sample.ts";

const lockModule = new URL("../../../node/src/storage/lock.ts", import.meta.url).href;

/** Another process that holds the directory. */
async function holderOf(directory: string): Promise<ChildProcess> {
  const program = `
    const { lockDirectory } = await import(${JSON.stringify(lockModule)});
    lockDirectory(${JSON.stringify(directory)});
    gc();
    console.log("held");
    setInterval(() => undefined, 1000);
  `;
  const holder = spawn(
    process.execPath,
    ["--expose-gc", "--input-type=module", "--eval", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void holder.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: holder.stdout }), "line")) as [string];
  expect(line).toBe("held");
  return holder;
}

test("a second process is refused and told who holds the directory; kill -9 frees it", async () => {
  const directory = temporaryDirectory();
  const holder = await holderOf(directory);
  await expect(openNoting(directory)).rejects.toMatchObject({
    message: expect.stringMatching(
      new RegExp(`^${directory} is in use by process ${holder.pid} on host .+: stop it, or choose`),
    ),
    fault: { code: "storage.locked", directory },
  });

  holder.kill("SIGKILL");
  await once(holder, "exit");
  const { journal } = await openNoting(directory);
  expect(journal.recovered.entries).toEqual([]);
});

test("one process cannot open a directory twice, and can after closing it", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  await expect(openNoting(directory)).rejects.toMatchObject({
    fault: { code: "storage.locked", holder: expect.stringContaining(`process ${process.pid} `) },
  });
  await journal.close();
  const again = await openNoting(directory);
  await again.journal.close();
  expect(existsSync(join(directory, "lock.holder"))).toBe(false);
});

test("a lock file with content is refused with its path", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "lock"), "x".repeat(5000));
  await expect(openNoting(directory)).rejects.toThrow(
    `cannot lock ${join(directory, "lock")}, which should be an empty file`,
  );
});

test("a directory that cannot be made is a fault that names it", async () => {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  await expect(openNoting(join(file, "data"))).rejects.toMatchObject({
    fault: { code: "storage.unusable", path: join(file, "data") },
  });
});
