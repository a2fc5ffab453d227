/** Bytes on the socket that are hardly requests, or more of them than they seem. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runs, withinMs } from "../support/runs.ts";
import { expectDocumented, readAnswers } from "./answers.ts";
import { converse } from "./client.ts";
import { bytesOf, requests } from "./requests.ts";
import { startTarget } from "./target.ts";

let target: Awaited<ReturnType<typeof startTarget>>;

beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** What parsers of HTTP have differed over. */
const fragments = fc.constantFrom(
  ...["GET / HTTP/1.1", "POST /increment HTTP/1.1", "GET /status HTTP/1.0", "GET / HTTP/0.9"],
  ...[
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET / HTTP/9.9",
    "GET /",
    "GET  /  HTTP/1.1",
    "HTTP/1.1 200",
  ],
  ...[
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "\0",
    " ",
    "\t",
    "\x7f",
    "\xff",
    "\x16\x03\x01",
  ],
  ...["host: node", "Host: node\r\nHost: other", "host:", ":", ": x", "host : node", " host: node"],
  ...["content-length: 0", "content-length: 5", "content-length: +5", "content-length: 5, 5"],
  ...["content-length: 99999999999999999999", "content-length: -1", "content-length: 0x5"],
  ...["transfer-encoding: chunked", "transfer-encoding: identity", "transfer-encoding: chunked, x"],
  ...[
    "Transfer-Encoding:\tchunked",
    "transfer-encoding: xchunked",
    "transfer-encoding\r\n: chunked",
  ],
  ...["connection: close", "connection: upgrade", "upgrade: websocket", "expect: 100-continue"],
  ...[
    "content-type: application/json",
    "x: 1\r\n folded: 2",
    "trailer: content-length",
    "te: trailers",
  ],
  ...[
    '{"by":1}',
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "ffffffffffffffff\r\n",
    "-1\r\n",
    "5;x=y\r\nhello\r\n",
  ],
  ...[
    "1\r\n1\r\n0\r\ncontent-length: 9\r\n\r\n",
    "0;\r\n",
    "x".repeat(17_000),
    "a: b\r\n".repeat(3_000),
  ],
);

const soup = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fragments.map(latin1) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    ),
    { maxLength: 24 },
  )
  .map((pieces) => Buffer.concat(pieces));

type Harm = {
  readonly kind: "flip" | "cut" | "repeat" | "insert";
  readonly at: number;
  readonly value: number;
};
const harms = fc.array(
  fc.record<Harm>({
    kind: fc.constantFrom("flip", "cut", "repeat", "insert"),
    at: fc.nat(),
    value: fc.nat(255),
  }),
  { minLength: 1, maxLength: 3 },
);

const harmed = fc
  .tuple(requests, harms)
  .map(([request, each]) => each.reduce(harm, bytesOf(request)));

function harm(bytes: Buffer, { kind, at, value }: Harm): Buffer {
  // Most of the interesting bytes are at the front.
  const place = at % Math.max(1, Math.min(bytes.length, 400));
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (kind) {
    case "flip":
      return Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
    case "cut":
      return before;
    case "repeat":
      return Buffer.concat([before, after, after]);
    case "insert":
      return Buffer.concat([before, Buffer.of(value, value ^ 0x20), after]);
    default:
      return kind satisfies never;
  }
}

/** Cuts the bytes where writes end: parsers keep state across them. */
const written = fc
  .tuple(fc.oneof(soup, harmed), fc.array(fc.nat(300), { maxLength: 4 }))
  .map(([bytes, sizes]) => {
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const size of sizes) {
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return [...pieces, bytes.subarray(at)];
  });

test(
  "whatever bytes come, the server answers in HTTP or hangs up, and serves on",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 8 }), async (all) => {
        const heard = await Promise.all(all.map((pieces) => converse(target.port, pieces)));
        for (const bytes of heard) readAnswers(bytes).forEach(expectDocumented);
        expect(target.logged()).toEqual([]);
        const status = await fetch(`http://127.0.0.1:${target.port}/status`);
        expect(status.status).toBe(200);
      }),
      runs(30),
    );
  },
  withinMs(60_000),
);

const hidden = "POST /increment HTTP/1.1\r\nhost: node\r\n\r\n";
const length = Buffer.byteLength(hidden);
const chunked = `0\r\n\r\n${hidden}`;
const head = "POST /increment?x=1 HTTP/1.1\r\nhost: node\r\n";

/** Servers that differ over where a request ends take part of one client's for another's. */
test.each([
  [
    "a length and chunks",
    `${head}content-length: ${length}\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`,
  ],
  [
    "chunks and a length",
    `${head}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n${chunked}`,
  ],
  ["two lengths", `${head}content-length: 0\r\ncontent-length: ${length}\r\n\r\n${hidden}`],
  ["a list of lengths", `${head}content-length: ${length}, 0\r\n\r\n${hidden}`],
  ["a signed length", `${head}content-length: +${length}\r\n\r\n${hidden}`],
  ["a hexadecimal length", `${head}content-length: 0x10\r\n\r\n${hidden}`],
  ["an unknown coding", `${head}transfer-encoding: xchunked\r\n\r\n${chunked}`],
  ["chunks that are not last", `${head}transfer-encoding: chunked, identity\r\n\r\n${chunked}`],
  [
    "chunks named twice",
    `${head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunked}`,
  ],
  ["a space before the colon", `${head}transfer-encoding : chunked\r\n\r\n${chunked}`],
  ["a folded header", `${head}x: y\r\n transfer-encoding: chunked\r\n\r\n${hidden}`],
  ["a folded length", `${head}content-length:\r\n ${length}\r\n\r\n${hidden}`],
  ["a bare line feed", `${head}x: y\ntransfer-encoding: chunked\r\n\r\n${chunked}`],
  ["a NUL in a name", `${head}content\0-length: ${length}\r\n\r\n${hidden}`],
  [
    "a chunk's size too large",
    `${head}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n${hidden}`,
  ],
  ["a chunk without its end", `${head}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n${hidden}`],
  ["a chunk's bare line feed", `${head}transfer-encoding: chunked\r\n\r\n0\n\n${hidden}`],
])("a request framed by %s hides no second one", async (_case, text) => {
  const before = target.applied().length;
  const answers = readAnswers(await converse(target.port, [latin1(text)]));
  expect(target.applied().length).toBe(before);
  expect(answers.map(({ status }) => status)).toEqual([400]);
  answers.forEach(expectDocumented);
});
