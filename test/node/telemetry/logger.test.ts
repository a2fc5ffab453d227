import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "../../../node/src/telemetry/logger.ts";

type Line = { readonly time: string; readonly err?: unknown };

function logger(level: LoggerOptions["level"] = "info") {
  const lines: string[] = [];
  const log = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  const parsed = () => lines.map((line) => JSON.parse(line) as Line);
  return { log, lines, parsed };
}

test("a line is one JSON object with its level, time, sentence and fields", () => {
  const { log, parsed } = logger();
  log.warn({ term: 3 }, "the leader is silent");
  expect(parsed()).toEqual([
    expect.objectContaining({ level: "warn", term: 3, msg: "the leader is silent" }),
  ]);
  expect(parsed()[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test("a child's lines carry the child's fields", () => {
  const { log, parsed } = logger();
  log.child({ part: "http" }).child({ port: 1 }).error({}, "failed");
  expect(parsed()).toEqual([expect.objectContaining({ part: "http", port: 1, level: "error" })]);
});

test("lines below the level are left out, in children too", () => {
  const { log, lines } = logger("warn");
  log.debug({}, "a");
  log.child({}).info({}, "b");
  log.error({}, "c");
  expect(lines).toHaveLength(1);
});

test("an error comes with its type, message and stack", () => {
  const { log, parsed } = logger();
  log.error({ err: new TypeError("no such thing") }, "failed");
  expect(parsed()[0]?.err).toMatchObject({
    type: "TypeError",
    message: "no such thing",
    stack: expect.stringContaining("logger.test.ts"),
  });
});

test("numbers of the chain are logged like any other", () => {
  const { log, lines } = logger();
  log.info({ block: 7n }, "read");
  expect(lines[0]).toContain('"block":7');
});

test("secrets, quotes and signatures are redacted at the top and one level down", () => {
  const { log, lines } = logger();
  log.info({ privateKey: "hunter2", proof: { quote: "hunter2", signature: "hunter2" } }, "a slip");
  expect(lines[0]).not.toContain("hunter2");
  expect(lines[0]).toContain("[redacted]");
});

test("credentials in a URL are redacted wherever they stand", () => {
  const { log, lines } = logger();
  const url = "https://user:hunter2@rpc.example/v1";
  log.error({ url, err: new Error(`cannot reach ${url}`) }, `gave up on ${url}`);
  expect(lines[0]).not.toContain("hunter2");
  expect(lines[0]).toContain("https://[redacted]@rpc.example/v1");
});

test("a line written right before the process ends is not lost", () => {
  const module = new URL("../../../node/src/telemetry/logger.ts", import.meta.url).href;
  const program = `import { createLogger } from ${JSON.stringify(module)};
    createLogger({ level: "info" }).error({ exitCode: 3 }, "ending");
    process.exit(3);`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
  expect(ended.status).toBe(3);
  expect(JSON.parse(ended.stdout.toString())).toMatchObject({ exitCode: 3, msg: "ending" });
});

test("where the log goes is full: lines are lost, the process goes on", () => {
  const module = new URL("../../../node/src/telemetry/logger.ts", import.meta.url).href;
  const program = `import { createLogger } from ${JSON.stringify(module)};
    const log = createLogger({ level: "info" });
    for (let line = 0; line < 100; line += 1) log.info({ line }, "to nowhere");
    setTimeout(() => { log.info({}, "still here"); process.exit(4); }, 700);`;
  const full = openSync("/dev/full", "w");
  const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", full, "pipe"],
  });
  closeSync(full);
  expect([ended.status, ended.stderr.toString()]).toEqual([4, ""]);
});
