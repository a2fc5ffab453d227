/** Faults that a person brings about by what `npm start -- --faults` has put into the nodes' path. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { layoutOf } from "../../scripts/cluster/layout.ts";
import { readRecord } from "../../scripts/cluster/record.ts";
import { leaderIn, startedPlace } from "../scripts/fault/struck.ts";
import { increment } from "../scripts/start/command.ts";

const levers = 20_200;
const bare = 20_300;
const urlOf = (basePort: number, number: number) => `http://127.0.0.1:${basePort + number - 1}`;

test("clones, lies, clocks and links are changed by hand, shown, and healed", async () => {
  const { place, fault, refused } = await startedPlace(levers, "--faults");
  const processNames = () =>
    readRecord(layoutOf(place.dataDir).record)?.processes.map(({ name }) => name);
  const first = leaderIn(await fault("clock", "all", "-30m"));
  expect(await increment(urlOf(levers, first))).toBe(1);

  const clonedFollower = (first % 3) + 1;
  const cloned = await fault("clone", String(clonedFollower));
  expect(cloned.after[clonedFollower - 1]).toContain("clock -30m");
  expect(await refused("clone", String(clonedFollower))).toContain("runs already; heal ends it");
  expect(processNames()).toContain(`node${clonedFollower}-clone`);
  await fault("heal");
  expect(processNames()).toHaveLength(5);
  const log = layoutOf(place.dataDir).log(`node${clonedFollower}-clone`);
  expect(readFileSync(log, "utf8")).toContain("this boot counts once it has rejoined");

  const lied = await fault("lies", "leader", "leader");
  const liar = lied.after.findIndex((row) => row.includes("RPC lies about the leader")) + 1;
  const second = leaderIn(lied);
  expect(second).not.toBe(liar);
  expect(await increment(urlOf(levers, second))).toBe(2);
  const healed = await fault("heal");
  expect(healed.output).not.toMatch(/after.*[(]RPC lies/);

  const old = leaderIn(healed);
  const unheard = await fault("partition", "leader", "--one-way");
  expect(unheard.after[old - 1]).toContain("not heard");
  expect(leaderIn(unheard)).not.toBe(old);
  const slow = await fault("slow", "all", "50");
  expect(slow.after.filter((row) => row.includes("links 50 ms slower"))).toHaveLength(3);
  expect(await increment(urlOf(levers, leaderIn(slow)))).toBe(3);
  const last = await fault("heal");
  expect(last.after.every((row) => row.endsWith("serves"))).toBe(true);
});

test("where a restart must wait for every member, the one that is missing is named", async () => {
  const { fault, refused } = await startedPlace(bare);
  await fault("kill", "1", "2");
  const lonely = await fault("restart", "1");
  expect(lonely.output).toContain("a cold start needs every member: node2 is down");
  expect(lonely.after[0]).toContain("runs recovering");
  const whole = await fault("restart", "2");
  expect(await increment(urlOf(bare, leaderIn(whole)))).toBe(1);
  expect(await refused("clock", "1", "+1h")).toContain("`npm start -- --faults`");
  expect(await refused("clone", "1")).toContain("`npm start -- --faults`");
});
