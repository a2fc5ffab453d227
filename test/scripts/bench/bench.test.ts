import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownersAreKnown } from "../../../scripts/chaos/net/owner.ts";

const timeoutMs = 120_000;

test(
  "a short run measures every load, a failover and the members",
  async () => {
    const { code, output } = await bench(
      "--seconds",
      "1",
      "--connections",
      "4",
      "--failovers",
      "1",
    );

    expect(code, output).toBe(0);
    const file = /written to (.*\.json)/.exec(output)?.[1] ?? "";
    const figures = JSON.parse(readFileSync(file, "utf8"));
    rmSync(file);
    expect(figures.measurements).toMatchObject([
      { workload: "write", connections: 4, failed: 0 },
      { workload: "linearizable read", failed: 0 },
      { workload: "local read", failed: 0 },
    ]);
    for (const { requestsPerSecond, p50Ms, members } of figures.measurements) {
      expect(requestsPerSecond).toBeGreaterThan(0);
      expect(p50Ms).toBeGreaterThan(0);
      expect(members).toHaveLength(3);
    }
    expect(figures.failovers[0].milliseconds).toHaveLength(1);
  },
  timeoutMs,
);

test(
  "an overload is measured instead when it is asked for",
  async () => {
    const { code, output } = await bench("--seconds", "1", "--overload", "3");

    expect(code, output).toBe(0);
    const file = /written to (.*\.json)/.exec(output)?.[1] ?? "";
    const { overload } = JSON.parse(readFileSync(file, "utf8"));
    rmSync(file);
    expect(overload.times).toBe(3);
    expect(overload.offeredPerSecond).toBeCloseTo(3 * overload.capacity.perSecond);
    expect(overload.load.shedWithRetryAfter).toBe(overload.load.shed);
    expect(overload.counted).toBeGreaterThanOrEqual(overload.load.byStatus["200"] ?? 0);
    expect(overload.status.asked).toBe(3 * 20);
    expect(overload.memory).toHaveLength(3);
    expect(output).toContain("an idle server");
  },
  timeoutMs,
);

test.runIf(ownersAreKnown)(
  "the ways to lose a leader are measured instead when that is asked for",
  async () => {
    const { code, output } = await bench("--recovery", "1");

    expect(code, output).toBe(0);
    const file = /written to (.*\.json)/.exec(output)?.[1] ?? "";
    const { recovery } = JSON.parse(readFileSync(file, "utf8"));
    rmSync(file);
    expect(recovery.times).toBe(1);
    expect(recovery.measured.map(({ fault }: { fault: string }) => fault)).toEqual([
      "kill -9",
      "pause",
      "partition",
    ]);
    for (const { recoveries } of recovery.measured) {
      expect(recoveries).toHaveLength(1);
      expect(recoveries[0].unavailableMs).toBeGreaterThan(0);
      expect(recoveries[0].wholeMs).toBeGreaterThan(0);
    }
    expect(output).toContain("a proxy in every path");
  },
  timeoutMs,
);

test.each([
  ["--overload", "--vs-etcd"],
  ["--overload", "--recovery"],
  ["--recovery", "--failovers", "1"],
])("what is measured instead of all else goes with no other load: %s %s", async (...options) => {
  const { code, output } = await bench(...options);
  expect(output).toContain("cannot be used with");
  expect(code).toBe(2);
});

test("without etcd it says how to get one, before anything starts", async () => {
  const { code, output } = await bench("--vs-etcd", { PATH: "/nowhere" });
  expect(output).toContain("apt-get install --no-install-recommends etcd-server");
  expect(output).not.toContain("anvil answers");
  expect(code).toBe(1);
});

type Environment = Readonly<Record<string, string>>;

async function bench(
  ...args: readonly (string | Environment)[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const options = args.filter((each) => typeof each === "string");
  const env = Object.assign({}, process.env, ...args.filter((each) => typeof each !== "string"));
  const child = spawn(process.execPath, [join("scripts", "bench.ts"), ...options], { env });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}
