/** Requests to every route: as they should be, nearly so, and not at all. */
import fc from "fast-check";

export type Request = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly framing: "length" | "chunked" | "none";
};

type Parameters = Readonly<Record<string, fc.Arbitrary<string>>>;
type Route = { readonly method: string; readonly path: string; readonly query: Parameters };

const wholeNumbers = fc.oneof(
  fc.integer({ min: 1, max: 2_000 }).map(String),
  fc.maxSafeNat().map(String),
);

/** One row for each that `GET /` lists. */
export const routes: readonly Route[] = [
  { method: "GET", path: "/", query: {} },
  { method: "POST", path: "/increment", query: { forward: fc.constantFrom("true", "false") } },
  {
    method: "GET",
    path: "/counter",
    query: { consistency: fc.constantFrom("linearizable", "local") },
  },
  { method: "GET", path: "/status", query: {} },
  { method: "GET", path: "/members", query: {} },
  { method: "GET", path: "/log", query: { from: wholeNumbers, limit: wholeNumbers } },
  { method: "GET", path: "/receipts/{index}", query: {} },
  { method: "GET", path: "/health", query: {} },
  {
    method: "GET",
    path: "/attestation",
    query: {
      nonce: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("hex")),
    },
  },
  { method: "GET", path: "/metrics", query: {} },
];

/** Texts that parsers of numbers, paths and queries stumble over. */
const oddTexts = fc.oneof(
  fc.constantFrom(
    ...["", " ", "0", "-1", "+1", "01", "1.0", "1e3", "0x10", "１", "9007199254740993"],
    ...["9".repeat(40), "NaN", "Infinity", "null", "undefined", "true", "__proto__", "%", "%zz"],
    ...["%00", "%ff", "%c0%af", "..", "../status", "%2e%2e%2f", "//", "\\", "'", '"', "\u0000"],
    ...["\ud83d\ude00", "\ud83d", "é", "a=b", "a&b=c", "?", "#", ";", "{}", "[]", "\t", "\u2028"],
  ),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ minLength: 300, maxLength: 3_000 }),
);

const encoded = (text: fc.Arbitrary<string>) =>
  fc.oneof(
    text.map((plain) => encodeURIComponent(plain.toWellFormed())),
    // As it is, save for what would end the request line.
    text.map((plain) => plain.replace(/[\r\n ]/g, "")),
  );

const paths = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...routes.map(({ path }) => path)) },
  { weight: 1, arbitrary: encoded(oddTexts).map((text) => `/${text}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["*", "//", "///status", "/status/", "/STATUS", "/./status", "/x/../status", "/%73tatus"],
      ...["http://node/status", "http://elsewhere:1/increment", "ftp://node/", "node:80", "?", "#"],
      ...["/status;a=b", "/increment/", "/receipts/", "/receipts/1/2", "/receipts/%31"],
    ),
  },
);

function queryOf(path: string): fc.Arbitrary<string> {
  const { query = {} } = routes.find((route) => route.path === path) ?? {};
  const own = Object.entries(query).map(([name, value]) => fc.tuple(fc.constant(name), value));
  const names = fc.constantFrom("from", "limit", "nonce", "consistency", "forward", "by", "x");
  const odd = fc.tuple(fc.oneof(names, encoded(oddTexts)), encoded(oddTexts));
  return fc
    .array(fc.oneof(...own, odd), { maxLength: 3 })
    .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("&"))
    .map((search) => (search === "" ? "" : `?${search}`));
}

const targets = paths.chain((path) =>
  fc
    .tuple(fc.oneof(wholeNumbers, encoded(oddTexts)), queryOf(path))
    .map(([index, search]) => path.replace("{index}", index) + search),
);

const methods = fc.oneof(
  { weight: 3, arbitrary: fc.constant("POST") },
  { weight: 3, arbitrary: fc.constant("GET") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "QUERY", "M-SEARCH"],
      ...["get", "Post", "BREW", "G ET", ""],
    ),
  },
);

/** Values that a header may carry on the wire: no line ends, one byte each. */
const headerValues = fc
  .oneof(fc.string({ maxLength: 30 }), fc.string({ minLength: 200, maxLength: 400 }))
  .map((text) => text.replace(/[\r\n\0]/g, ""));

const headers = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constantFrom("content-type", "Content-Type"),
      fc.oneof(
        fc.constantFrom("application/json", "application/json; charset=utf-8", "text/plain", ""),
        headerValues,
      ),
    ),
    fc.tuple(
      fc.constantFrom("idempotency-key", "Idempotency-Key"),
      fc.oneof(
        fc.constantFrom("", " ", "k", "a".repeat(255), "a".repeat(256), "\u00e9", "\t", "a, b"),
        headerValues,
      ),
    ),
    fc.tuple(fc.constant("expect"), fc.constantFrom("100-continue", "200-ok", "", "100-Continue")),
    fc.tuple(fc.constant("upgrade"), fc.constantFrom("websocket", "h2c", "")),
    fc.tuple(fc.constant("connection"), fc.constantFrom("close", "keep-alive", "upgrade", "te, x")),
    fc.tuple(
      fc.constant("host"),
      fc.constantFrom("", "a b", "node:99999", "[::1]", "a@b", "\u00ff"),
    ),
    fc.tuple(fc.constantFrom("accept", "range", "te", "cookie", "x-forwarded-for"), headerValues),
    fc.tuple(fc.stringMatching(/^[A-Za-z0-9-]{1,60}$/), headerValues),
  ),
  { maxLength: 4 },
);

const numbers = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(String),
  fc.constantFrom("0", "-0", "-1", "1.5", "2147483648", "1e400", "-1e-400", "9".repeat(400)),
  fc.double().map((value) => JSON.stringify(value)),
);

const bodies = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: numbers.map((by) => `{"by":${by}}`) },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.json({ maxDepth: 5 }),
      fc.json().map((value) => `{"by":${value}}`),
      fc.constantFrom('{"by":1,"by":2}', '{"__proto__":{"by":1}}', '{"by":"1"}', '{"by":[1]}'),
      fc.constantFrom("{", "nul", "[1,]", '{"by":01}', '\ufeff{"by":1}', '{"by":1}\u0000', "NaN"),
    ),
  },
  // Deep enough to exhaust the stack of a reader, or a writer, that recurs.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 31_000 }), fc.constantFrom("[]", '{"by":}'))
      .map(([depth, wrap]) => {
        const deep = "[".repeat(depth) + "]".repeat(depth);
        return wrap === "[]" ? deep : `{"by":${deep}}`;
      }),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_000, max: 70_000 }).map((n) => "7".repeat(n)) },
);

export const requests: fc.Arbitrary<Request> = fc.record({
  method: methods,
  target: targets,
  headers,
  body: fc.oneof(
    { weight: 9, arbitrary: bodies.map((text) => new Uint8Array(Buffer.from(text))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
  ),
  framing: fc.constantFrom("length", "length", "chunked", "none"),
});

/** A request that an honest client may well send. */
export const increments: fc.Arbitrary<Request> = fc.integer({ min: 1, max: 1_000 }).map((by) => ({
  method: "POST",
  target: "/increment",
  headers: [["content-type", "application/json"]],
  body: new Uint8Array(Buffer.from(JSON.stringify({ by }))),
  framing: "length",
}));

export function bytesOf({ method, target, headers: given, body, framing }: Request): Buffer {
  const hosts = given.some(([name]) => name === "host") ? [] : ["host: node"];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...hosts,
    ...given.map(([name, value]) => `${name}: ${value}`),
  ];
  if (framing === "length") lines.push(`content-length: ${body.length}`);
  if (framing === "chunked") lines.push("transfer-encoding: chunked");
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (framing !== "chunked") return Buffer.concat([head, body]);
  const size = Math.max(1, Math.ceil(body.length / 3));
  const pieces: Uint8Array[] = [head];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...pieces, Buffer.from("0\r\n\r\n")]);
}
