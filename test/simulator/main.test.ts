import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { call, freePort, temporaryFolder } from "./support.ts";

const main = join(import.meta.dirname, "../../simulator/src/main.ts");

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Started = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

function start(args: readonly string[], nodeEnv = "test"): Started {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, NODE_ENV: nodeEnv },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, ...output }));
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, ended };
}

/** Resolves with the first line that the simulator logs: it is ready then. */
async function ready(started: Started): Promise<Record<string, unknown>> {
  const { stdout } = started.child;
  if (stdout === null) throw new Error("expected a pipe");
  for await (const line of createInterface({ input: stdout })) return JSON.parse(line);
  throw new Error(`expected a line, got ${(await started.ended).stderr}`);
}

describe("the command line", () => {
  test("shows its options", async () => {
    const { code, stdout } = await start(["--help"]).ended;
    expect(code).toBe(0);
    for (const option of ["--socket-dir", "--instances", "--seed", "--app-id", "--tcp-port"]) {
      expect(stdout).toContain(option);
    }
  });

  test("refuses to run in production", async () => {
    const { code, stderr } = await start(["--help"], "production").ended;
    expect(code).toBe(2);
    expect(stderr).toContain("refuses to run with NODE_ENV=production");
  });

  test("refuses a wrong option with code 2 and what was expected", async () => {
    const { code, stderr } = await start(["--instances", "257"]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain("Expected a whole number from 0 to 256");
  });

  test("prints who the instances are, and listens nowhere", async () => {
    const socketDir = await temporaryFolder();
    const args = ["--print-identity", "--socket-dir", socketDir, "--seed", "an ordinary seed"];
    const { code, stdout } = await start([...args, "--instances", "2"]).ended;

    expect(code).toBe(0);
    const identity = JSON.parse(stdout);
    expect(identity.kmsRoot).toBe("0xaDb529B4E72Fe7f6DA297313Ed1c4F916e490551");
    expect(identity.appId).toBe(identity.composeHash.slice(0, 40));
    expect(identity.instances).toHaveLength(2);
    expect(identity.instances[1]).toMatchObject({
      name: "node2",
      instanceId: expect.stringMatching(/^[0-9a-f]{40}$/),
      socket: join(socketDir, "node2", "dstack.sock"),
    });
    expect(existsSync(join(socketDir, "node1"))).toBe(false);
  });
});

describe("a running simulator", () => {
  test("says that it is ready and who it is, and answers where it said", async () => {
    const [socketDir, port] = [await temporaryFolder(), await freePort()];
    const appId = "0x00112233445566778899aabbccddeeff00112233";
    const compose = join(socketDir, "app-compose.json");
    await writeFile(compose, '{"name": "own"}\n');
    const started = start(
      [
        "--socket-dir",
        socketDir,
        "--instance",
        "a",
        "--app-id",
        appId,
        "--app-compose",
        compose,
      ].concat(["--socket-mode", "0666", "--tcp-port", String(port)]),
    );
    const line = await ready(started);

    expect(line).toMatchObject({ event: "ready", appId: appId.slice(2) });
    const socket = join(socketDir, "a", "dstack.sock");
    expect((await call(socket, "/Info")).body).toMatchObject({ app_name: "own" });
    expect(statSync(socket).mode & 0o777).toBe(0o666);
    const overTcp = await fetch(`http://127.0.0.1:${port}/Info`, { method: "POST" });
    expect(await overTcp.json()).toMatchObject({ app_id: appId.slice(2) });
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "ends with code 0 and no socket on %s",
    async (signal) => {
      const socketDir = await temporaryFolder();
      const started = start(["--socket-dir", socketDir, "--instances", "1"]);
      await ready(started);
      started.child.kill(signal);

      expect(await started.ended).toMatchObject({ code: 0, stderr: "" });
      expect(existsSync(join(socketDir, "node1", "dstack.sock"))).toBe(false);
    },
  );
});

describe("a starting simulator", () => {
  test("replaces the sockets of one that was killed", async () => {
    const socketDir = await temporaryFolder();
    const args = ["--socket-dir", socketDir, "--instances", "1"];
    const killed = start(args);
    await ready(killed);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const socket = join(socketDir, "node1", "dstack.sock");
    expect(existsSync(socket)).toBe(true);

    await ready(start(args));
    expect((await call(socket, "/Version")).status).toBe(200);
  });

  test("does not displace one that runs", async () => {
    const socketDir = await temporaryFolder();
    const args = ["--socket-dir", socketDir, "--instances", "1"];
    await ready(start(args));
    const second = await start(args).ended;

    expect(second.code).toBe(1);
    expect(second.stderr).toContain("another process answers there");
    expect((await call(join(socketDir, "node1", "dstack.sock"), "/Version")).status).toBe(200);
  });

  test("does not touch a file that is no socket", async () => {
    const socketDir = await temporaryFolder();
    const path = join(socketDir, "node1", "dstack.sock");
    await mkdir(join(socketDir, "node1"));
    writeFileSync(path, "precious");
    const { code, stderr } = await start(["--socket-dir", socketDir, "--instances", "1"]).ended;

    expect(code).toBe(1);
    expect(stderr).toContain("a file that is no socket exists");
    expect(statSync(path).size).toBe("precious".length);
  });

  test("leaves nothing behind when a port is taken", async () => {
    const [socketDir, port] = [await temporaryFolder(), await freePort()];
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const args = ["--socket-dir", socketDir, "--instances", "1", "--tcp-port", String(port)];
    const { code, stderr } = await start(args).ended;

    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen at tcp://127.0.0.1:${port}`);
    expect(existsSync(join(socketDir, "node1", "dstack.sock"))).toBe(false);
  });
});
