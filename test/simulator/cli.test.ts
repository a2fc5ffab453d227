import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { parseCommandLine } from "../../simulator/src/cli.ts";
import { inventedImage } from "../../simulator/src/measurement/osImage.ts";

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

test("a PCCS may be served without any instance", () => {
  const args = ["--instances", "0", "--pccs-port", "8081", "--pccs-host", "0.0.0.0"];
  expect(parseCommandLine(args)).toMatchObject({
    instanceNames: [],
    pccs: { host: "0.0.0.0", port: 8081, isControlled: false },
  });
});

test("faults are of the quotes or of the collateral", () => {
  const args = ["--fault", "debug", "--fault", "out-of-date", "--fault", "bad-signature"];
  expect(parseCommandLine([...args, "--pccs-port", "8081", "--fault-control"])).toMatchObject({
    faults: ["debug", "bad-signature"],
    collateralFaults: ["out-of-date"],
    pccs: { isControlled: true },
  });
});

test("measurements follow from the image's name, and each can be given instead", () => {
  const { image } = parseCommandLine([]);
  expect(image).toEqual(inventedImage("simulator"));
  const other = parseCommandLine(["--os-image", "dstack-0.5.8"]).image;
  const given = ["--mrtd", "ab".repeat(48), "--os-image-hash", "cd".repeat(32)];
  const replaced = parseCommandLine(given).image;

  for (const part of ["mrtd", "osImageHash", "bootEvents"] as const) {
    expect(other[part]).not.toEqual(image[part]);
  }
  expect(replaced).toEqual({
    ...image,
    mrtd: new Uint8Array(48).fill(0xab),
    osImageHash: new Uint8Array(32).fill(0xcd),
  });
});

test.each([
  [["--instances", "257"], "Expected a whole number from 0 to 256"],
  [["--instances", "0"], "serves nothing without --pccs-port"],
  [["--instance", "../x"], "Expected letters, digits"],
  [["--instance", "a", "--instance", "a"], "--instance a is given twice"],
  [["--tcp-port", "65535"], "leaves no ports for 3 instances"],
  [["--app-id", "0x12"], "Expected 40 hex digits"],
  [["--app-compose", "/nowhere"], "Expected a file with a JSON object"],
  [["--agent-version", "0.6.0"], "Expected 0.5.4 to 0.5.11"],
  [["--event-log", "some"], "Allowed choices are real, full"],
  [["--socket-mode", "999"], "Expected three octal digits"],
  [["--socket-dir", `/${"a".repeat(100)}`], "longer than the 107 bytes"],
  [["--mrtd", "00"], "Expected 96 hex digits"],
  [["--os-image-hash", "zz"], "Expected 64 hex digits"],
  [["--os-image", "ü"], "Expected 1 to 64 printable ASCII characters"],
  [["--device", ""], "Expected 1 to 64 printable ASCII characters"],
  [["--boot-log", "/nowhere"], "Expected a file with the events of registers 0 to 2"],
  [["--fault", "gremlin"], "Expected one of wrong-report-data, debug, "],
  [["--fault", "out-of-date"], "nowhere seen without --pccs-port"],
  [["--fault-control"], "controls nothing without --pccs-port"],
  [["--pccs-port", "0"], "Expected a whole number from 1 to 65535"],
  [["--unknown"], "unknown option"],
  [["surplus"], "too many arguments"],
])("%j is refused", (args, message) => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(() => parseCommandLine(args)).toThrow(message);
});
