/** `npm run fault` as a person runs it, against a cluster that `npm start` runs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { layoutOf } from "../../../scripts/cluster/layout.ts";
import { readRecord } from "../../../scripts/cluster/record.ts";
import { temporaryDir } from "../cluster/program.ts";
import { increment, runScript } from "../start/command.ts";
import { leaderIn, startedPlace } from "./struck.ts";

const timeoutMs = 240_000;
const basePort = 19_300;
const urlOf = (number: number) => `http://127.0.0.1:${basePort + number - 1}`;

test(
  "a cluster bears each fault in turn, shows it, and counts on",
  async () => {
    const { place, fault, refused } = await startedPlace(basePort, "--faults");
    expect(await increment(urlOf(1))).toBe(1);
    const paused = await fault("pause", "leader");
    const second = leaderIn(paused);
    expect(paused.after.filter((row) => row.startsWith("after paused - - - - -"))).toHaveLength(1);
    expect(await increment(urlOf(second))).toBe(2);
    await fault("resume");

    await fault("save", String(second));
    expect(await increment(urlOf(second))).toBe(3);
    const cut = await fault("partition", String(second));
    const others = cut.after.map((row, at) => (at === second - 1 ? "" : row));
    const third = leaderIn({ ...cut, after: others });
    expect(cut.after[second - 1]).not.toContain("serves");
    expect(await increment(urlOf(third))).toBe(4);
    await fault("heal");
    await fault("rollback", String(second));
    await fault("wipe", String(third));
    expect(await increment(urlOf(second))).toBe(5);
    await fault("kill", "all");
    const leads = leaderIn(await fault("heal"));
    const successor = leads === 1 ? 2 : 1;
    expect(leaderIn(await fault("handover", String(successor)))).toBe(successor);
    expect((await fault("chain", "reorg", "1")).output).toContain("1 of 1 blocks taken back");
    expect(await refused("handover", "leader")).toContain("leads already; expected a follower");
    expect(await increment(urlOf(successor))).toBe(6);
    expect(readRecord(layoutOf(place.dataDir).record)?.processes).toHaveLength(5);
  },
  timeoutMs,
);

test("where nothing runs, the way to start something is named", async () => {
  const dataDir = join(await temporaryDir(), "data");
  const { code, output } = await runScript("fault", ["--data-dir", dataDir, "kill", "leader"]);
  expect(output).toContain(`\`npm start -- --data-dir ${dataDir}\``);
  expect(code).toBe(1);
});

test("wrong usage is exit code 2, help is 0", async () => {
  expect((await runScript("fault", ["kill", "five"])).code).toBe(2);
  expect((await runScript("fault", [])).code).toBe(2);
  const help = await runScript("fault", ["--help"]);
  expect(help.code).toBe(0);
  expect(help.output).toContain("npm run fault -- kill leader");
});
