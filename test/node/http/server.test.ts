import { expect, test } from "vitest";
import { httpLimits } from "../../../node/src/http/server.ts";
import { held, host, increment, json, nextAnswer, start, untilClosed } from "./wire.ts";

const forms: [name: string, headers: string[], body?: string][] = [
  ["nothing", []],
  ["a content length of zero", ["content-length: 0"]],
  ["an amount", [json], '{"by": 5}'],
  ["an amount and a key", [json, "idempotency-key: k 1"], '{"by": 5}'],
  ["an empty key", ["idempotency-key: "]],
  ["a key that is not ASCII", ["idempotency-key: \u00e9"]],
  ["a fraction", [json], '{"by": 0.5}'],
  ["an unknown field", [json], '{"to": 5}'],
  ["broken JSON", [json], '{"by": 5'],
  ["another type", ["content-type: text/plain"], "5"],
  ["no type", [], "{}"],
];

test.each(forms)(
  "an increment with %s is answered alike on both ways",
  async (_n, headers, body) => {
    const { open, asked, counted } = await start();
    const answers: string[] = [];
    for (const target of ["/increment", "/increment?forward=true"]) {
      const socket = await open();
      socket.write(increment(target, [...headers, "connection: close"], body));
      const [head = "", content = ""] = (await untilClosed(socket)).split("\r\n\r\n", 2);
      const kept = head.toLowerCase().split("\r\n");
      const compared = kept.filter((line) => /^(http|content-|retry|allow)/.test(line)).sort();
      answers.push([...compared, content].join("\n"));
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).toMatch(/^content-length: [1-9]/m);
    expect(asked[0]).toEqual(asked[1]);
    expect(counted[0]).toBe(counted[1]);
  },
);

test("a failed increment is answered alike on both ways", async () => {
  const { open } = await start({ increment: () => Promise.reject(new Error("a bug")) });
  const socket = await open();
  for (const target of ["/increment", "/increment?forward=true"]) {
    socket.write(increment(target));
    expect(await nextAnswer(socket)).toMatch(/^HTTP\/1.1 500 .*"code":"node.failed"/s);
  }
});

test("one connection carries many requests, on either way", async () => {
  const { open } = await start();
  const socket = await open();
  for (const target of ["/increment", "/increment?forward=false", "/increment"]) {
    socket.write(increment(target, [json], '{"by": 1}'));
    expect(await nextAnswer(socket)).toMatch(/^HTTP\/1.1 200 .*"value":42/s);
  }
});

test("a body sent in chunks is read", async () => {
  const { open, asked } = await start();
  const socket = await open();
  const headers = [json, "transfer-encoding: chunked"];
  socket.write(`${increment("/increment", headers)}5\r\n{"by"\r\n4\r\n: 7}\r\n0\r\n\r\n`);
  expect(await nextAnswer(socket)).toMatch(/"value":48/);
  expect(asked).toEqual([["increment", { by: 7, idempotencyKey: null, forward: true }]]);
});

test("a body that is declared too large is refused before it is sent", async () => {
  const { open, asked } = await start();
  const socket = await open();
  socket.write(increment("/increment", [json, "content-length: 65537"]));
  const answer = await nextAnswer(socket);
  expect(answer).toMatch(/^HTTP\/1.1 413 .*connection: close.*"code":"request.tooLarge"/is);
  expect(asked).toEqual([]);
});

test("a body that grows too large in chunks is refused", async () => {
  const { open, asked } = await start();
  const socket = await open();
  socket.write(increment("/increment", [json, "transfer-encoding: chunked"]));
  const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
  for (let count = 0; count < 5; count += 1) socket.write(chunk);
  expect(await nextAnswer(socket)).toMatch(/^HTTP\/1.1 413 .*"code":"request.tooLarge"/s);
  expect(asked).toEqual([]);
});

test("a client that goes away in the middle of its body changes nothing", async () => {
  const { open, asked, logged } = await start();
  const gone = await open();
  gone.write(increment("/increment", [json, "content-length: 9"]));
  gone.write('{"by"');
  gone.destroy();
  const other = await open();
  other.write(increment("/increment"));
  expect(await nextAnswer(other)).toMatch(/^HTTP\/1.1 200/);
  expect(asked).toHaveLength(1);
  expect(logged).toEqual([]);
});

test.each([
  ["bytes that are no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400, "request.malformed"],
  ["an unknown method", "BREW / HTTP/1.1\r\nhost: node\r\n\r\n", 400, "request.malformed"],
  ["no host", "GET /status HTTP/1.1\r\n\r\n", 400, "request.malformed"],
  ["no host", "POST /increment HTTP/1.1\r\n\r\n", 400, "request.malformed"],
  ["an impossible host", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400, "request.malformed"],
  [
    "headers over 16 KiB",
    `GET / HTTP/1.1\r\nhost: node\r\nx: ${"y".repeat(16 * 1024)}\r\n\r\n`,
    431,
    "request.headersTooLarge",
  ],
])("%s are refused with a problem document", async (_case, bytes, status, code) => {
  const { open } = await start();
  const socket = await open();
  socket.write(bytes, "latin1");
  const answer = await nextAnswer(socket);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toMatch(/content-type: application\/problem\+json/i);
  expect(answer).toContain(`"code":"${code}"`);
});

test("a client that stalls in its headers is told and loses its connection", async () => {
  const limits = { ...httpLimits, headersMs: 60, checkMs: 20 };
  const { open } = await start({}, { limits });
  const socket = await open();
  socket.write("GET /status HTTP/1.1\r\nhost:");
  const answer = await untilClosed(socket);
  expect(answer).toMatch(/^HTTP\/1.1 408 .*"code":"request.timeout"/s);
  expect(answer).toContain("expected the headers within 60 ms");
});

test("a client that stalls in its body loses its connection, and nothing happened", async () => {
  const limits = { ...httpLimits, headersMs: 50, requestMs: 60, checkMs: 20 };
  const { open, asked } = await start({}, { limits });
  const socket = await open();
  socket.write(increment("/increment", [json, "content-length: 9"]));
  await untilClosed(socket);
  expect(asked).toEqual([]);
});

test("garbage behind a request under way is never taken for its answer", async () => {
  const { service, arrived } = held();
  const { open } = await start(service);
  const socket = await open();
  socket.write(increment("/increment"));
  await arrived;
  socket.write("garbage\r\n\r\n");
  expect(await untilClosed(socket)).toBe("");
});

test("a body that breaks off is refused, as it is the request under way that is broken", async () => {
  const { open, asked, logged } = await start();
  const broken = [
    "transfer-encoding: xchunked\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\nno size\r\n",
    "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
  ];
  for (const target of ["/increment", "/increment?forward=true"]) {
    for (const rest of broken) {
      const socket = await open();
      socket.write(`POST ${target} HTTP/1.1\r\nhost: node\r\n${rest}`);
      expect(await untilClosed(socket)).toMatch(/^HTTP\/1.1 400 .*"code":"request.malformed"/s);
    }
  }
  expect(asked).toEqual([]);
  expect(logged).toEqual([]);
});

test("a client that goes away in the middle of its chunks is no failure of the node's", async () => {
  const { open, counted, logged } = await start();
  const gone = await open();
  gone.write(increment("/increment", [json, "transfer-encoding: chunked"]));
  gone.write("5\r\n{");
  gone.destroy();
  await expect.poll(() => counted).toContain("http_requests_total /increment 400");
  expect(logged).toEqual([]);
});

test("an expectation that nobody knows is passed over", async () => {
  const { open } = await start();
  const socket = await open();
  socket.write("GET /status HTTP/1.1\r\nhost: node\r\nexpect: a miracle\r\n\r\n");
  expect(await nextAnswer(socket)).toMatch(/^HTTP\/1.1 200 .*"role":"leader"/s);
});

test("connections over the limit are dropped and counted", async () => {
  const limits = { ...httpLimits, connectionsMax: 1 };
  const { open, counted } = await start({}, { limits });
  const first = await open();
  const second = await open();
  expect(await untilClosed(second)).toBe("");
  expect(counted).toEqual(["http_connections_dropped_total too-many"]);
  first.write(increment("/increment"));
  expect(await nextAnswer(first)).toMatch(/^HTTP\/1.1 200/);
});

test("an address in use is a fault that names it", async () => {
  const { server } = await start();
  await expect(start({}, { port: server.port })).rejects.toMatchObject({
    message: `${host}:${server.port} is in use: expected a free address for HTTP`,
    fault: { code: "http.addressInUse", address: `${host}:${server.port}` },
  });
});

test("an address that is not this machine's is a fault that names it", async () => {
  await expect(start({}, { host: "192.0.2.1" })).rejects.toMatchObject({
    fault: { code: "http.cannotListen", address: "192.0.2.1:0" },
  });
});
