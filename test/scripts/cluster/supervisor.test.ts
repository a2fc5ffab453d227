import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isRunning } from "../../../scripts/cluster/identity.ts";
import { createSupervisor, type Supervisor } from "../../../scripts/cluster/supervisor.ts";
import { becomes } from "../../../scripts/cluster/wait.ts";
import { program, temporaryDir } from "./program.ts";

const idle = "console.log('up'); setInterval(() => {}, 1000)";
const deaf = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";
const restartCode = 75;

type Watched = { readonly supervisor: Supervisor; readonly lines: string[]; log: string };

async function supervise(): Promise<Watched> {
  const lines: string[] = [];
  const log = join(await temporaryDir(), "part.log");
  const supervisor = createSupervisor({
    changed: () => undefined,
    report: (line) => lines.push(line),
  });
  supervisor.announceEndings();
  onTestFinished(() => supervisor.stop(["part"], 0));
  return { supervisor, lines, log };
}

async function start({ supervisor, log }: Watched, source: string): Promise<void> {
  await supervisor.start({ name: "part", command: program(source, log), restartCode });
}

async function startAndWait(watched: Watched, source: string): Promise<void> {
  await start(watched, source);
  expect(await becomes(() => readFileSync(watched.log, "utf8").includes("up"), 10_000)).toBe(true);
}

test("a part that ends by itself is reported with the end of its log", async () => {
  const watched = await supervise();
  await start(watched, "console.error('the disk is on fire'); process.exit(3)");

  expect(await becomes(() => watched.lines.length > 0, 10_000)).toBe(true);
  expect(watched.lines[0]).toMatch(/^part ended with exit code 3; the end of .*part\.log:/);
  expect(watched.lines[0]).toContain("the disk is on fire");
  expect(() => watched.supervisor.requireRunning("part")).toThrow("the disk is on fire");
});

test("a part that was replaced is started again, but not for ever", async () => {
  const watched = await supervise();
  await start(watched, `process.exit(${restartCode})`);

  const gaveUp = () => watched.lines.some((line) => line.includes("exit code 75"));
  expect(await becomes(gaveUp, 15_000)).toBe(true);
  const restarts = watched.lines.filter((line) => line.includes("starting it again"));
  expect(restarts).toHaveLength(5);
});

test("a part that is stopped on purpose is not reported", async () => {
  const watched = await supervise();
  await startAndWait(watched, idle);
  const [process] = watched.supervisor.processes();

  await watched.supervisor.stop(["part"], 5_000);

  expect(watched.lines).toEqual([]);
  expect(watched.supervisor.processes()).toEqual([]);
  expect(process === undefined || isRunning(process)).toBe(false);
});

test("a part that is deaf to SIGTERM is killed once its grace is over", async () => {
  const watched = await supervise();
  await startAndWait(watched, deaf);
  const startedMs = performance.now();

  await watched.supervisor.stop(["part"], 300);

  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(290);
  expect(watched.supervisor.isRunning("part")).toBe(false);
});

test("a part that is suspended hears SIGTERM all the same", async () => {
  const watched = await supervise();
  await startAndWait(watched, idle);
  watched.supervisor.signal("part", "SIGSTOP");

  const startedMs = performance.now();
  await watched.supervisor.stop(["part"], 10_000);

  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test("nothing is started once the supervisor is closed", async () => {
  const watched = await supervise();
  watched.supervisor.close();

  await expect(start(watched, idle)).rejects.toThrow("the cluster is stopping");
  expect(watched.supervisor.processes()).toEqual([]);
});

test("a program that is missing is named", async () => {
  const { supervisor, log } = await supervise();
  const command = { program: "/no/such/program", args: [], env: {}, logFile: log };

  const started = supervisor.start({ name: "part", command, restartCode: null });

  await expect(started).rejects.toThrow("cannot run /no/such/program");
});
