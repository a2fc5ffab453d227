/** The generator of the overload, against servers that answer late, never, or by refusing. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Answer, createAnswerReader } from "../../../scripts/bench/overload/answers.ts";
import { runClosedLoop } from "../../../scripts/bench/overload/closedLoop.ts";
import { runOpenLoop } from "../../../scripts/bench/overload/openLoop.ts";
import { runProbe } from "../../../scripts/bench/overload/probe.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const wire =
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 21\r\n\r\n{"code":"overloaded"}';

test("answers are read however their bytes are cut", () => {
  for (let size = 1; size <= wire.length; size++) {
    const answers: Answer[] = [];
    const read = createAnswerReader((answer) => answers.push(answer));
    for (let at = 0; at < wire.length; at += size) read(Buffer.from(wire.slice(at, at + size)));
    expect(answers).toEqual([
      { status: 200, retryAfterSeconds: null, body: "{}" },
      { status: 503, retryAfterSeconds: 3, body: '{"code":"overloaded"}' },
    ]);
  }
});

test("what is no HTTP answer is named", () => {
  const read = createAnswerReader(() => undefined);
  expect(() => read(Buffer.from("220 mail\r\ncontent-length: 0\r\n\r\n"))).toThrow("status line");
  expect(() => createAnswerReader(() => undefined)(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toThrow(
    "Content-Length",
  );
});

const load = { perSecond: 500, seconds: 0.2, connections: 10, depthMax: 1, timeoutMs: 2_000 };

test("an open loop goes on sending while no answer comes, until all connections wait", async () => {
  const url = await serve(() => undefined);
  const result = await runOpenLoop({ ...load, urls: [url], depthMax: 3, timeoutMs: 100 });
  expect(result.due).toBe(100);
  expect(result.unsent).toBe(70);
  expect(result.timedOut).toBe(30);
});

test("an open loop tells refusals from other answers", async () => {
  let turn = 0;
  const body = '{"code":"overloaded"}';
  const url = await serve((_request, response) => {
    turn += 1;
    const refuses = turn % 2 === 0;
    const headers = refuses ? { "retry-after": "1" } : {};
    response.writeHead(refuses ? 503 : 200, { ...headers, "content-length": body.length });
    response.end(refuses ? body : " ".repeat(body.length));
  });
  const result = await runOpenLoop({ ...load, urls: [url] });
  const sent = result.due - result.unsent;
  expect(sent).toBeGreaterThan(0);
  expect(result.byStatus).toEqual({ 200: Math.ceil(sent / 2), 503: Math.floor(sent / 2) });
  expect([result.shed, result.shedWithRetryAfter]).toEqual([
    Math.floor(sent / 2),
    Math.floor(sent / 2),
  ]);
  expect([result.timedOut, result.cut]).toEqual([0, 0]);
});

test("requests on connections that end are counted as cut off", async () => {
  const url = await serve((request) => request.socket.destroy());
  const result = await runOpenLoop({ ...load, urls: [url] });
  expect(result.cut).toBe(result.due - result.unsent);
  expect(result.cut).toBeGreaterThan(0);
});

test("a closed loop leaves nothing to be answered later", async () => {
  let answered = 0;
  const url = await serve((_request, response) => {
    setImmediate(() => {
      response.writeHead(200, { "content-length": 0 }).end();
      answered += 1;
    });
  });
  const result = await runClosedLoop({ urls: [url], connections: 4, seconds: 0.2 });
  expect(result.perSecond).toBeGreaterThan(0);
  const afterwards = answered;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(answered).toBe(afterwards);
});

test("a probe tells which terms it saw, and how often it was answered", async () => {
  let term = 7;
  const url = await serve((_request, response) => {
    const body = JSON.stringify({ term });
    term = 8;
    response.writeHead(200, { "content-length": Buffer.byteLength(body) }).end(body);
  });
  const result = await runProbe({ urls: [url], perSecond: 50, seconds: 0.2, timeoutMs: 500 });
  expect(result).toMatchObject({ asked: 10, answered: 10, terms: [7, 8] });
  expect(result.latencyMs.p99).toBeGreaterThan(0);
});
