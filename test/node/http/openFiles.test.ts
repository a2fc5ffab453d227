import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { connectionsWithin, readLimits } from "../../../node/src/http/openFiles.ts";

const limitsWith = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units
Max processes             95884                95884                processes
Max open files            ${soft.padEnd(20)} 1048576              files
`;

test.each([
  { soft: "1048576", allowed: 12_000 },
  { soft: "12512", allowed: 12_000 },
  { soft: "4096", allowed: 3_584 },
  { soft: "100", allowed: 1 },
  { soft: "unlimited", allowed: 12_000 },
])("of $soft open files, $allowed may be connections", ({ soft, allowed }) => {
  expect(connectionsWithin(12_000, limitsWith(soft))).toBe(allowed);
});

test("where the system tells no limit, there is none", () => {
  expect(connectionsWithin(12_000, null)).toBe(12_000);
});

test.runIf(process.platform === "linux")("the process's own limit is read", () => {
  const shell = 'ulimit -n 1024; exec "$0" --input-type=module --eval "$1"';
  const module = new URL("../../../node/src/http/openFiles.ts", import.meta.url);
  const script = `import { connectionsWithin, readLimits } from ${JSON.stringify(module.href)};
    console.log(connectionsWithin(12000, readLimits()))`;
  const { stdout } = spawnSync("sh", ["-c", shell, process.execPath, script], { encoding: "utf8" });
  expect(stdout.trim()).toBe("512");
  expect(readLimits()).toMatch(/^Max open files/m);
});
