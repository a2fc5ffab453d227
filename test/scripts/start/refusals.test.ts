import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { layoutOf } from "../../../scripts/cluster/layout.ts";
import { chainPortOf, nodePortsOf } from "../../../scripts/cluster/ports.ts";
import { type ClusterRecord, readRecord } from "../../../scripts/cluster/record.ts";
import { freePlace, listenOn, type Place, runScript, startArgs } from "./command.ts";

/** A place with the record of a stopped cluster of three: a fourth node came, the second left. */
async function usedPlace(change: Partial<ClusterRecord> = {}): Promise<Place> {
  const place = await freePlace();
  const record: ClusterRecord = {
    format: 2,
    nodes: [1, 3, 4].map((number) => ({ number, wallet: null, leaving: false })),
    lastNumber: 4,
    basePort: place.basePort,
    blockTimeSeconds: null,
    socketDir: join(place.dataDir, "sockets"),
    deployment: { chainId: 31_337, contract: `0x${"11".repeat(20)}`, appId: "22".repeat(20) },
    supervisor: null,
    processes: [],
    ...change,
  };
  await mkdir(place.dataDir);
  await writeFile(layoutOf(place.dataDir).record, JSON.stringify(record));
  return place;
}

test("every port in use is named before anything starts", async () => {
  const place = await freePlace();
  const chain = chainPortOf(place.basePort);
  const { peer } = nodePortsOf(place.basePort, 2);
  await listenOn(chain);
  await listenOn(peer);

  const { code, output } = await runScript("start", startArgs(place));

  expect(output).toContain(`${peer} (node2, peers), ${chain} (chain)`);
  expect(output).toContain("--base-port");
  expect(code).toBe(1);
  expect(existsSync(place.dataDir)).toBe(false);
});

test("a missing anvil is named before anything starts", async () => {
  const place = await freePlace();
  const { code, output } = await runScript("start", startArgs(place), { ANVIL: "/no/anvil" });
  expect(output).toContain("/no/anvil (from ANVIL) is not a program");
  expect(code).toBe(1);
  expect(existsSync(place.dataDir)).toBe(false);
});

test("another number of nodes than the data hold is refused", async () => {
  const place = await usedPlace();
  const { code, output } = await runScript("start", startArgs(place, "--nodes", "5"));
  expect(output).toMatch(/holds a cluster of 3 \(node1, node3, node4\), not of 5: /);
  expect(output).toMatch(/`npm run join` and `npm run leave` change them, or use --fresh/);
  expect(code).toBe(1);
});

test("another base port than the data hold is refused", async () => {
  const place = await usedPlace();
  const elsewhere = { ...place, basePort: place.basePort + 10 };
  const { code, output } = await runScript("start", startArgs(elsewhere));
  expect(output).toContain(`on base port ${place.basePort}, not ${elsewhere.basePort}`);
  expect(code).toBe(1);
});

test("the pid of a process that is long gone does not stop a start", async () => {
  const stale = { name: "node1", pid: process.pid, bornAt: "long ago" };
  const place = await usedPlace({ supervisor: { ...stale, name: "starter" }, processes: [stale] });
  await listenOn(place.basePort);

  const { output } = await runScript("start", startArgs(place));

  expect(output).toContain(`port is in use: ${place.basePort}`);
  const stopped = await runScript("stop", ["--data-dir", place.dataDir]);
  expect(stopped.output).toContain("nothing runs on");
});

test("a damaged record is named, with the way out", async () => {
  const place = await usedPlace();
  await writeFile(layoutOf(place.dataDir).record, '{"format":1');
  const { code, output } = await runScript("start", startArgs(place));
  expect(output).toMatch(/cluster\.json is damaged \(.*\); --fresh starts over/);
  expect(code).toBe(1);
});

test("a record of another version is named as such, with the way out", async () => {
  const place = await usedPlace();
  await writeFile(layoutOf(place.dataDir).record, '{"format":1,"nodeCount":3}');
  const { code, output } = await runScript("start", startArgs(place));
  expect(output).toMatch(/cluster\.json is of format 1, .*; expected 2; --fresh starts over/);
  expect(code).toBe(1);
});

test("--fresh empties no directory that holds something else", async () => {
  const place = await usedPlace();
  const letter = join(place.dataDir, "letter.txt");
  await writeFile(letter, "dear");

  const { code, output } = await runScript("start", startArgs(place, "--fresh"));

  expect(output).toContain("letter.txt in it is not a cluster's");
  expect(code).toBe(1);
  expect(existsSync(letter)).toBe(true);
  expect(readRecord(layoutOf(place.dataDir).record)?.lastNumber).toBe(4);
});

test.for([
  [["--nodes", "10"], "Expected a whole number from 1 to 9"],
  [["--nodes", "two"], "Expected a whole number from 1 to 9"],
  [["--base-port", "80"], "Expected a whole number from 1024"],
  [["--base-port", "65535"], "Expected a whole number from 1024 to 65070"],
  [["--block-time", "0"], "Expected a whole number from 1"],
  [["--frehs"], "--fresh"],
  [["extra"], "too many arguments"],
] as const)("%j is refused with exit code 2", async ([args, expected]) => {
  const { code, output } = await runScript("start", args);
  expect(output).toContain(expected);
  expect(code).toBe(2);
});
