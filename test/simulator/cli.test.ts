import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { parseCommandLine } from "../../simulator/src/cli.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("without options there are three instances on sockets alone", () => {
  const commandLine = parseCommandLine([]);
  expect(commandLine).toMatchObject({
    instanceNames: ["node1", "node2", "node3"],
    socketDir: join(process.cwd(), ".cluster/simulator"),
    socketMode: null,
    tcp: null,
    appId: null,
    eventLog: "real",
    agentVersion: { text: "0.5.8" },
    printIdentity: false,
  });
});

test("names replace the number of instances", () => {
  const args = ["--instances", "5", "--instance", "a", "--instance", "b"];
  expect(parseCommandLine(args).instanceNames).toEqual(["a", "b"]);
});

test("an app id may be written as a contract's address", () => {
  const address = "0x083b8c85ddFd3E40024B126b0160CC963949e920";
  expect(parseCommandLine(["--app-id", address]).appId).toEqual(
    Uint8Array.from(Buffer.from(address.slice(2), "hex")),
  );
});

test("permission bits are octal", () => {
  expect(parseCommandLine(["--socket-mode", "0666"]).socketMode).toBe(0o666);
});

test.each([
  [["--instances", "0"], "Expected a whole number from 1 to 256"],
  [["--instance", "../x"], "Expected letters, digits"],
  [["--instance", "a", "--instance", "a"], "--instance a is given twice"],
  [["--tcp-port", "65535"], "leaves no ports for 3 instances"],
  [["--app-id", "0x12"], "Expected 40 hex digits"],
  [["--app-compose", "/nowhere"], "Expected a file with a JSON object"],
  [["--agent-version", "0.6.0"], "Expected 0.5.4 to 0.5.11"],
  [["--event-log", "some"], "Allowed choices are real, full"],
  [["--socket-mode", "999"], "Expected three octal digits"],
  [["--socket-dir", `/${"a".repeat(100)}`], "longer than the 107 bytes"],
  [["--unknown"], "unknown option"],
  [["surplus"], "too many arguments"],
])("%j is refused", (args, message) => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(() => parseCommandLine(args)).toThrow(message);
});
