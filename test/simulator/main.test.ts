import { type ChildProcess, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { compileCacheEnvironment } from "../../scripts/cluster/compileCache.ts";
import { collateralFaultNames, quoteFaultNames } from "../../simulator/src/faults.ts";
import { writeRootFile } from "../../simulator/src/rootFile.ts";
import { call, freePort, temporaryFolder } from "./support.ts";

const main = join(import.meta.dirname, "../../simulator/src/main.ts");

/** Of the root that follows from the default seed; see pki/pki.test.ts. */
const rootFingerprint =
  "0A:DE:AD:A2:4D:03:E7:50:0F:5F:44:3B:71:71:B0:F7:AF:6E:F2:89:55:26:FB:79:2B:C9:DA:73:82:28:30:78";

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Started = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

function start(args: readonly string[], nodeEnv = "test"): Started {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...compileCacheEnvironment, NODE_ENV: nodeEnv },
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
    for (const fault of [...quoteFaultNames, ...collateralFaultNames]) {
      expect(stdout).toMatch(new RegExp(`^  ${fault} +\\S`, "m"));
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

  test("prints what a verifier of its quotes is to know, and writes nothing", async () => {
    const socketDir = await temporaryFolder();
    const args = ["--print-identity", "--socket-dir", socketDir, "--pccs-port", "8081"];
    const { stdout } = await start(args).ended;
    const { attestationRootPem, ...identity } = JSON.parse(stdout);

    expect(identity).toMatchObject({
      deviceId: "6afb39692270f4f0855251efb5a311521e84de7c8548df3e9b0357e4d224310f",
      measurements: { osImageHash: expect.stringMatching(/^70a5a7dc[0-9a-f]{56}$/) },
      attestationRoot: join(socketDir, "attestation-root.pem"),
      pccs: "http://127.0.0.1:8081",
    });
    expect(new X509Certificate(attestationRootPem).fingerprint256).toBe(rootFingerprint);
    expect(existsSync(identity.attestationRoot)).toBe(false);
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

describe("the root's file", () => {
  test("is there once the simulator is ready, and stays", async () => {
    const socketDir = await temporaryFolder();
    const started = start(["--socket-dir", socketDir, "--instances", "1"]);
    const { attestationRoot, pccs } = await ready(started);
    started.child.kill("SIGTERM");
    await started.ended;

    expect(pccs).toBe(null);
    expect(attestationRoot).toBe(join(socketDir, "attestation-root.pem"));
    const root = new X509Certificate(readFileSync(String(attestationRoot)));
    expect(root.fingerprint256).toBe(rootFingerprint);
    expect(readdirSync(socketDir).sort()).toEqual(["attestation-root.pem", "node1"]);
  });

  test("is replaced when it holds another, and not touched when it holds the same", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "attestation-root.pem");
    writeFileSync(path, "the root of another seed\n");
    await writeRootFile(folder, "this root\n");
    const [first, text] = [statSync(path).ino, readFileSync(path, "utf8")];
    await writeRootFile(folder, "this root\n");

    expect(text).toBe("this root\n");
    expect(statSync(path).ino).toBe(first);
    expect(readdirSync(folder)).toEqual(["attestation-root.pem"]);
  });
});

test("the root's file is whole, and alone, while many write it at once", async () => {
  const folder = await temporaryFolder();
  const pem = "this root\n".repeat(1000);
  await Promise.all(Array.from({ length: 20 }, () => writeRootFile(folder, pem)));
  expect(readFileSync(join(folder, "attestation-root.pem"), "utf8")).toBe(pem);
  expect(readdirSync(folder)).toEqual(["attestation-root.pem"]);
});

test("a PCCS serves alone, where no instance is asked for", async () => {
  const [socketDir, port] = [await temporaryFolder(), await freePort()];
  const args = ["--socket-dir", socketDir, "--instances", "0", "--pccs-port", String(port)];
  const started = start([...args, "--fault", "unavailable"]);
  const { instances, pccs } = await ready(started);

  expect({ instances, pccs }).toEqual({ instances: [], pccs: `http://127.0.0.1:${port}` });
  expect(readdirSync(socketDir)).toEqual(["attestation-root.pem"]);
  expect((await fetch(`${pccs}/sgx/certification/v4/rootcacrl`)).status).toBe(503);
  started.child.kill("SIGTERM");
  expect(await started.ended).toMatchObject({ code: 0, stderr: "" });
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
