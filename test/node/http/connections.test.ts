/** Clients that do not take their answers. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { httpLimits } from "../../../node/src/http/server.ts";
import type { LogRecord, Service } from "../../../node/src/runtime/service.ts";
import { held, increment, nextAnswer, start, untilClosed } from "./wire.ts";

const readLog = "GET /log HTTP/1.1\r\nhost: node\r\n\r\n";

/** More than the kernel takes off a server's hands. */
const megabytes = 8;
const bulky: Partial<Service> = {
  log: () => ({
    entries: [{ ...entry, command: "x".repeat(megabytes * 1_048_576) }],
    firstIndex: 1,
    lastIndex: 1,
  }),
};
const entry: Omit<LogRecord, "command"> = {
  ...{ index: 1, term: 1, time: 0, kind: "command", application: null, result: null, hash: "" },
};

async function cut(reason: string, counted: readonly string[]): Promise<void> {
  await expect.poll(() => counted).toContain(`http_connections_dropped_total ${reason}`);
}

test("a client that sends requests and takes no answer is cut before it is far ahead", async () => {
  const { service, arrived } = held();
  const limits = { ...httpLimits, aheadMax: 8 };
  const { open, counted, server } = await start(service, { limits });
  const socket = await open();
  socket.write(increment("/increment").repeat(8));
  await arrived;
  expect(counted).toEqual([]);
  socket.write(increment("/increment"));
  expect(await untilClosed(socket)).toBe("");
  await cut("ahead", counted);
  expect((await fetch(`http://127.0.0.1:${server.port}/status`)).status).toBe(200);
});

test("a client that takes its answers may send any number of requests at once", async () => {
  const limits = { ...httpLimits, aheadMax: 8, checkMs: 5, takeMs: 10 };
  const { open, counted } = await start({}, { limits });
  const socket = await open();
  for (let round = 1; round <= 20; round += 1) {
    socket.write(increment("/increment").repeat(8));
    let answers = 0;
    while (answers < 8) answers += (await nextAnswer(socket)).split("HTTP/1.1 200").length - 1;
  }
  expect(counted.filter((name) => name.startsWith("http_connections"))).toEqual([]);
});

test("an answer that is not taken in time costs its client the connection", async () => {
  const limits = { ...httpLimits, takeMs: 40, checkMs: 10 };
  const { open, counted } = await start(bulky, { limits });
  const [greedy, patient] = [await open(), await open()];
  const closed = once(greedy, "close");
  greedy.pause();
  greedy.write(readLog);
  await cut("stalled", counted);
  greedy.resume();
  await closed;
  patient.write(increment("/increment"));
  expect(await nextAnswer(patient)).toMatch(/^HTTP\/1.1 200/);
});

test("a call that takes its time is not the client's stalling", async () => {
  const { service, arrived, letGo } = held();
  const limits = { ...httpLimits, takeMs: 1, checkMs: 5 };
  const { open, counted } = await start(service, { limits });
  const [socket, other] = [await open(), await open()];
  socket.write(increment("/increment"));
  await arrived;
  for (let round = 1; round <= 5; round += 1) {
    other.write("GET /status HTTP/1.1\r\nhost: node\r\n\r\n");
    await nextAnswer(other);
  }
  letGo();
  expect(await nextAnswer(socket)).toMatch(/^HTTP\/1.1 200/);
  expect(counted.filter((name) => name.startsWith("http_connections"))).toEqual([]);
});

test("of answers that nobody takes only so many bytes are held, and the greediest loses", async () => {
  const limits = { ...httpLimits, unsentBytesMax: 20 * 1_048_576, checkMs: 60_000 };
  const { open, counted } = await start(bulky, { limits });
  const [greedy, modest] = [await open(), await open()];
  const closed = once(greedy, "close");
  greedy.pause();
  modest.pause();
  modest.write(readLog.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
  greedy.write(readLog.repeat(4));
  await cut("unsent", counted);
  greedy.resume();
  await closed;
  modest.resume();
  expect((await untilClosed(modest)).length).toBeGreaterThan(megabytes * 1_048_576);
  expect(counted.filter((name) => name.endsWith(" unsent"))).toHaveLength(1);
});
