import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { identityOf } from "../../../scripts/cluster/identity.ts";
import { layoutOf } from "../../../scripts/cluster/layout.ts";
import { becomes } from "../../../scripts/cluster/wait.ts";
import {
  freePlace,
  increment,
  launchScript,
  prints,
  readLog,
  recordedProcesses,
  runScript,
  startArgs,
  stillRunning,
} from "./command.ts";

const timeoutMs = 120_000;

test(
  "a cluster counts until Ctrl-C, and goes on counting at the next start",
  async () => {
    const place = await freePlace();
    const urls = [0, 1, 2].map((position) => `http://127.0.0.1:${place.basePort + position}`);
    const first = launchScript("start", startArgs(place));
    await prints(first, "Ctrl-C stops everything.");
    for (const url of urls) expect(first.output()).toContain(url);
    expect(first.output().match(/^ {2}curl .*127\.0\.0\.1/gm)).toHaveLength(3);
    for (const [position, url] of urls.entries()) expect(await increment(url)).toBe(position + 1);
    const processes = recordedProcesses(place);
    expect(stillRunning(processes)).toEqual(["chain", "simulator", "node1", "node2", "node3"]);

    const interruptedMs = performance.now();
    first.process.kill("SIGINT");
    expect(await first.exited).toBe(0);
    expect(performance.now() - interruptedMs).toBeLessThan(5_000);
    expect(stillRunning(processes)).toEqual([]);
    expect(recordedProcesses(place)).toEqual([]);
    for (const line of readLog(place, "node1").trimEnd().split("\n")) {
      expect(JSON.parse(line)).toHaveProperty("level");
    }

    const second = launchScript("start", ["--data-dir", place.dataDir]);
    await prints(second, "Ctrl-C stops everything.");
    expect(second.output()).toContain("found, with its members");
    expect(await increment(urls[1] ?? "")).toBe(4);
    second.process.kill("SIGTERM");
    expect(await second.exited).toBe(0);
  },
  timeoutMs,
);

test(
  "what a killed starter leaves behind is named by the next start, and ended by stop",
  async () => {
    const place = await freePlace();
    const detached = await runScript("start", startArgs(place, "--nodes", "1", "--detach"));
    expect(detached.output).toContain("It runs in the background");
    expect(detached.code).toBe(0);
    const processes = recordedProcesses(place);
    expect(stillRunning(processes)).toEqual(["chain", "simulator", "node1"]);

    const again = await runScript("start", startArgs(place));
    expect(again).toMatchObject({ code: 1 });
    expect(again.output).toMatch(/a cluster runs on .* already \(starter, pid \d+\)/);

    const starter = Number(/starter, pid (\d+)/.exec(again.output)?.[1]);
    process.kill(starter, "SIGKILL");
    expect(await becomes(() => identityOf(starter) === null, 5_000)).toBe(true);
    const afterKill = await runScript("start", startArgs(place));
    expect(afterKill.output).toMatch(
      /was killed and left behind: chain \(pid \d+\), .*node1 \(pid/,
    );
    expect(afterKill.output).toContain(`npm run stop -- --data-dir ${place.dataDir}`);
    expect(afterKill.code).toBe(1);

    const stopped = await runScript("stop", ["--data-dir", place.dataDir]);
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.output).toContain("node1 (pid");
    expect(stillRunning(processes)).toEqual([]);
  },
  timeoutMs,
);

test(
  "a chain that lost its state is noticed, and nothing is left running",
  async () => {
    const place = await freePlace();
    const first = launchScript("start", startArgs(place, "--nodes", "1"));
    await prints(first, "Ctrl-C stops everything.");
    first.process.kill("SIGHUP");
    expect(await first.exited).toBe(0);
    await rm(layoutOf(place.dataDir).chainState);

    const second = await runScript("start", ["--data-dir", place.dataDir]);

    expect(second.output).toMatch(/there is no contract at 0x[0-9a-f]{40}.*--fresh starts over/);
    expect(second.code).toBe(1);
    expect(recordedProcesses(place)).toEqual([]);
    await writeFile(layoutOf(place.dataDir).record, "{");
    const fresh = launchScript("start", startArgs(place, "--nodes", "1", "--fresh"));
    await prints(fresh, "Ctrl-C stops everything.");
    expect(await increment(`http://127.0.0.1:${place.basePort}`)).toBe(1);
  },
  timeoutMs,
);

test(
  "a start that is interrupted leaves nothing running",
  async () => {
    const place = await freePlace();
    const start = launchScript("start", startArgs(place));
    await prints(start, "simulator");
    const processes = recordedProcesses(place);
    expect(stillRunning(processes)).toContain("chain");

    start.process.kill("SIGINT");

    expect(await start.exited).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
    expect(recordedProcesses(place)).toEqual([]);
  },
  timeoutMs,
);

test(
  "a start whose shell is killed stops by itself",
  async () => {
    const place = await freePlace(1);
    const script = [process.execPath, "scripts/start.ts", ...startArgs(place, "--nodes", "1")];
    // With a second command the shell stays the parent, as under npm.
    const shell = spawn("sh", ["-c", `${script.join(" ")}; true`], { stdio: "ignore" });
    const served = () => recordedProcesses(place).some(({ name }) => name === "node1");
    expect(await becomes(served, 60_000)).toBe(true);
    const processes = recordedProcesses(place);

    shell.kill("SIGKILL");

    expect(await becomes(() => stillRunning(processes).length === 0, 10_000)).toBe(true);
  },
  timeoutMs,
);
