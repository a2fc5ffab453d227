/** What a server does whose calls have no room: over a real port. */
import { expect, test } from "vitest";
import { overloaded } from "../../../node/src/runtime/calls.ts";
import { held, increment, nextAnswer, start, untilClosed } from "./wire.ts";

const oneCall = { callsMin: 1, callsFirst: 1, callsMax: 1, targetMs: 1_000, intervalMs: 1_000 };
const refusal = /^HTTP\/1\.1 503 .*"code":"overloaded".*"outcome":"definite"/s;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: node\r\n\r\n`;

/** A server with one increment under way, which is all that it allows. */
async function full() {
  const { service, arrived, letGo } = held();
  const server = await start(service, { callLimits: oneCall });
  const first = await server.open();
  first.write(increment("/increment"));
  await arrived;
  return { ...server, first, letGo };
}

test("an increment without room is refused with a time to come back after", async () => {
  const { open, first, letGo } = await full();
  for (const target of ["/increment", "/increment?forward=false"]) {
    const socket = await open();
    socket.write(increment(target));
    const answer = await nextAnswer(socket);
    expect(answer).toMatch(refusal);
    expect(answer).toMatch(/^retry-after: [123]\r$/im);
    expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im);
  }
  letGo();
  expect(await nextAnswer(first)).toMatch(/^HTTP\/1\.1 200 /);
});

test("it is refused before its body is there", async () => {
  const { open, letGo } = await full();
  const socket = await open();
  socket.write("POST /increment HTTP/1.1\r\nhost: node\r\ncontent-length: 60000\r\n\r\n{");
  expect(await nextAnswer(socket)).toMatch(refusal);
  letGo();
});

test("a body that took until there was no room any more is refused as well", async () => {
  const { service, arrived, letGo } = held();
  const { open, asked } = await start(service, { callLimits: oneCall });
  const slow = await open();
  slow.write(
    "POST /increment HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
  );
  const first = await open();
  first.write(increment("/increment"));
  await arrived;
  slow.write('"by": 1}');
  expect(await nextAnswer(slow)).toMatch(refusal);
  expect(asked.filter(([call]) => call === "increment")).toEqual([]);
  letGo();
});

test("status, health, metrics and local reads are answered all the same", async () => {
  const { open, letGo } = await full();
  const socket = await open();
  socket.write(increment("/increment"));
  await nextAnswer(socket);
  const paths = ["/status", "/health", "/metrics", "/members", "/counter?consistency=local"];
  for (const path of paths) {
    socket.write(get(path));
    expect(await nextAnswer(socket)).toMatch(/^HTTP\/1\.1 200 /);
  }
  letGo();
});

test("reads have room of their own", async () => {
  const { open, letGo } = await full();
  const socket = await open();
  socket.write(get("/counter"));
  expect(await nextAnswer(socket)).toMatch(/^HTTP\/1\.1 200 /);
  letGo();
});

test("a linearizable read without room is refused; a local one is not", async () => {
  const waiting = Promise.withResolvers<never>();
  const arrived = Promise.withResolvers<void>();
  const counted = { value: 1, term: 1, index: 1, ageMs: 0 };
  const { open } = await start(
    {
      counter: (consistency) => {
        if (consistency === "local") return Promise.resolve({ ...counted, consistency });
        arrived.resolve();
        return waiting.promise;
      },
    },
    { callLimits: oneCall },
  );
  const first = await open();
  first.write(get("/counter"));
  await arrived.promise;
  const second = await open();
  for (const path of ["/counter", "/counter?consistency=linearizable"]) {
    second.write(get(path));
    expect(await nextAnswer(second)).toMatch(refusal);
  }
  second.write(get("/counter?consistency=local"));
  expect(await nextAnswer(second)).toMatch(/^HTTP\/1\.1 200 /);
  waiting.reject(overloaded("the end of this test"));
});

test("a connection is of use again after a refusal, and after many", async () => {
  const { open, first, letGo } = await full();
  const socket = await open();
  for (let each = 0; each < 20; each++) {
    socket.write(increment("/increment"));
    expect(await nextAnswer(socket)).toMatch(refusal);
  }
  letGo();
  await nextAnswer(first);
  socket.write(increment("/increment?forward=false", ["connection: close"]));
  const answered = untilClosed(socket);
  letGoSoon(letGo);
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
});

/** The service only knows of the call once the server has read it. */
function letGoSoon(letGo: () => void): void {
  const timer = setInterval(letGo, 1);
  setTimeout(() => clearInterval(timer), 1_000).unref();
}

test("refusals are counted like other answers", async () => {
  const { open, counted, letGo } = await full();
  const socket = await open();
  socket.write(increment("/increment"));
  await nextAnswer(socket);
  expect(counted.join("\n")).toMatch(/http_requests_total.*\/increment.*503/);
  letGo();
});
