/** The commands as a person runs them, each cluster on a data directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { isRunning } from "../../../scripts/cluster/identity.ts";
import { layoutOf } from "../../../scripts/cluster/layout.ts";
import { findBasePort } from "../../../scripts/cluster/ports.ts";
import { type RecordedProcess, readRecord } from "../../../scripts/cluster/record.ts";
import { becomes } from "../../../scripts/cluster/wait.ts";
import { temporaryDir } from "../cluster/program.ts";

export type Script = "start" | "stop" | "join" | "leave" | "fault";
export type Place = { readonly dataDir: string; readonly basePort: number };
export type Running = {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves with the exit code, or `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
};

/** A free place; whatever runs there when the test ends is stopped. */
export async function freePlace(nodeCount = 3): Promise<Place> {
  const dataDir = join(await temporaryDir(), "data");
  onTestFinished(async () => {
    await runScript("stop", ["--data-dir", dataDir]);
  });
  return { dataDir, basePort: await findBasePort(nodeCount) };
}

export function startArgs({ dataDir, basePort }: Place, ...more: readonly string[]): string[] {
  return ["--data-dir", dataDir, "--base-port", String(basePort), ...more];
}

/** Starts a script and does not wait for it. */
export function launchScript(
  name: Script,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [join("scripts", `${name}.ts`), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, output: () => output, exited };
}

/** Runs a script to its end. */
export async function runScript(
  name: Script,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const running = launchScript(name, args, env);
  return { code: await running.exited, output: running.output() };
}

/** Resolves once `running` has printed `text`; fails with what it printed instead. */
export async function prints(running: Running, text: string): Promise<void> {
  const done = () => running.output().includes(text) || running.process.exitCode !== null;
  await becomes(done, 60_000);
  if (running.output().includes(text)) return;
  throw new Error(`expected «${text}» in what it printed:\n${running.output()}`);
}

export function recordedProcesses({ dataDir }: Place): readonly RecordedProcess[] {
  return readRecord(layoutOf(dataDir).record)?.processes ?? [];
}

export function stillRunning(processes: readonly RecordedProcess[]): readonly string[] {
  return processes.filter(isRunning).map(({ name }) => name);
}

/** Until the test ends, or until what it resolves with is called. */
export async function listenOn(port: number): Promise<() => Promise<void>> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(close);
  return close;
}

export async function increment(url: string): Promise<number> {
  const answer = await fetch(`${url}/increment`, { method: "POST" });
  const body = (await answer.json()) as { value?: number };
  if (body.value === undefined) throw new Error(`no value in ${JSON.stringify(body)}`);
  return body.value;
}

export function readLog({ dataDir }: Place, name: string): string {
  return readFileSync(layoutOf(dataDir).log(name), "utf8");
}
