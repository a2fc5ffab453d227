import { expect, test } from "vitest";
import { createApp } from "../../../node/src/http/app.ts";
import { problems } from "../../../node/src/http/problem.ts";
import type { CallFault } from "../../../node/src/runtime/ports.ts";
import type { ReceiptFault } from "../../../node/src/runtime/receipts.ts";
import { failing, fixture, leaderUrl } from "./fixture.ts";

type Document = { code: string; detail: string; status: number; outcome: string; leader?: string };

async function problemOf(path: string, init: RequestInit = {}, parts = fixture()) {
  const response = await createApp(parts).request(path, init);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const document = (await response.json()) as Document;
  expect(document.status).toBe(response.status);
  return { ...document, headers: response.headers };
}
const json = { "content-type": "application/json" };
const increment = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = json,
): RequestInit => ({
  method: "POST",
  body,
  headers,
});

test("a problem document has type, title, status, code, detail and outcome", async () => {
  const response = await createApp(fixture()).request("/nowhere");
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({
    type: "urn:dstack-cluster:problem:request.unknownPath",
    title: "No such path",
    status: 404,
    code: "request.unknownPath",
    detail: 'no such path: "/nowhere"; expected one that GET / lists',
    outcome: "definite",
  });
});

const byExpected = "by: expected a whole number from 1 to 2147483647, got";
test.each([
  ['{"by": 0}', `${byExpected} 0`],
  ['{"by": -3}', `${byExpected} -3`],
  ['{"by": 1.5}', `${byExpected} 1.5`],
  ['{"by": 2147483648}', `${byExpected} 2147483648`],
  ['{"by": 1e400}', `${byExpected} null`],
  ['{"by": "1"}', `${byExpected} "1"`],
  ['{"by": null}', `${byExpected} null`],
  ['{"by": [1]}', `${byExpected} [1]`],
  ['{"by": 1, "bye": 2}', 'unknown field "bye": expected by alone'],
  ['{"__proto__": {"by": 5}}', 'unknown field "__proto__": expected by alone'],
  ["[]", 'the body: expected a JSON object such as {"by": 1}, got []'],
  ["null", 'the body: expected a JSON object such as {"by": 1}, got null'],
  ["7", 'the body: expected a JSON object such as {"by": 1}, got 7'],
])("the body %s is refused with what was wrong and what was expected", async (body, detail) => {
  const parts = fixture();
  const problem = await problemOf("/increment", increment(body), parts);
  expect(problem).toMatchObject({ status: 400, code: "request.invalid", detail });
  expect(parts.asked).toEqual([]);
});

test("an amount nested so deeply that writing it out would exhaust the stack is refused", async () => {
  const problem = await problemOf(
    "/increment",
    increment(`{"by": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
  );
  const detail = `${byExpected} a value nested too deeply to be shown`;
  expect(problem).toMatchObject({ status: 400, code: "request.invalid", detail });
});

test.each(["{", '{"by": }', "by=1", "\u0000"])("the text %j is no JSON", async (body) => {
  const problem = await problemOf("/increment", increment(body));
  expect(problem).toMatchObject({ status: 400, code: "request.notJson" });
  expect(problem.detail).toMatch(/^the body: expected JSON: /);
});

test("a body that is not UTF-8 is refused", async () => {
  const problem = await problemOf("/increment", increment(Uint8Array.of(0x22, 0xff, 0x22)));
  expect(problem).toMatchObject({ status: 400, detail: "the body: expected UTF-8" });
});

test.each([
  ["text/plain", '"text/plain"'],
  ["application/jsonp", '"application/jsonp"'],
  ["application/x-www-form-urlencoded", '"application/x-www-form-urlencoded"'],
])("a body of type %s is refused", async (type, shown) => {
  const problem = await problemOf("/increment", increment('{"by": 1}', { "content-type": type }));
  expect(problem).toMatchObject({ status: 415, code: "request.mediaType" });
  expect(problem.detail).toBe(`the body's Content-Type: expected application/json, got ${shown}`);
});

test("a body of no type at all is refused", async () => {
  const bytes = new TextEncoder().encode("{}");
  const problem = await problemOf("/increment", increment(bytes, {}));
  expect(problem.detail).toBe("the body's Content-Type: expected application/json, got none");
});

test.each([
  ["declared", { "content-length": "65537" }],
  ["found", {}],
])("a body over 64 KiB, as %s, is refused", async (_case, headers) => {
  const init = increment(" ".repeat(65_537), { ...json, ...headers });
  const problem = await problemOf("/increment", init);
  expect(problem).toMatchObject({ status: 413, code: "request.tooLarge" });
  expect(problem.headers.get("connection")).toBe("close");
});

test("a body of exactly 64 KiB is read", async () => {
  const body = `{"by":2${" ".repeat(65_536 - 8)}}`;
  const response = await createApp(fixture()).request("/increment", increment(body));
  expect(response.status).toBe(200);
});

test.each(["", "k".repeat(256), "caf\u00e9", "a\tb"])("the key %j is refused", async (key) => {
  const headers = { "idempotency-key": key };
  const problem = await problemOf("/increment", { method: "POST", headers });
  expect(problem).toMatchObject({ status: 400, code: "request.invalid" });
  expect(problem.detail).toMatch(/^Idempotency-Key: expected 1 to 255 characters of printable/);
});

test.each([
  ["/counter?consistency=eventual", 'expected linearizable or local, got "eventual"'],
  ["/counter?consistency=", "expected linearizable or local"],
  ["/counter?consistency=local&consistency=local", "expected it only once"],
  ["/counter?Consistency=local", 'unknown query parameter "Consistency": expected consistency'],
  ["/status?verbose", 'unknown query parameter "verbose": expected none'],
  ["/log?limit=0", 'expected a whole number from 1 to 1000, got "0"'],
  ["/log?limit=1001", 'expected a whole number from 1 to 1000, got "1001"'],
  ["/log?from=-1", 'expected a whole number from 1 to 9007199254740991, got "-1"'],
  ["/log?from=1.5", 'got "1.5"'],
  ["/log?from=9007199254740992", 'got "9007199254740992"'],
  ["/log?from=%zz", 'got "%zz"'],
  ["/receipts/0", 'index: expected a whole number from 1 to 9007199254740991, got "0"'],
  ["/receipts/-1", 'got "-1"'],
  ["/receipts/1.5", 'got "1.5"'],
  ["/receipts/1e3", 'got "1e3"'],
  ["/receipts/9007199254740992", 'got "9007199254740992"'],
  ["/receipts/%zz", 'got "%zz"'],
  ["/receipts/latest", 'got "latest"'],
  ["/receipts/7?full", 'unknown query parameter "full": expected none'],
  ["/attestation?nonce=abc", 'expected hex of 0 to 32 bytes, two digits each, got "abc"'],
  ["/attestation?nonce=0xab", "expected hex of 0 to 32 bytes"],
  [`/attestation?nonce=${"0".repeat(66)}`, "expected hex of 0 to 32 bytes"],
])("GET %s is refused with what was expected", async (path, detail) => {
  const parts = fixture();
  const problem = await problemOf(path, {}, parts);
  expect(problem).toMatchObject({ status: 400, code: "request.invalid", outcome: "definite" });
  expect(problem.detail).toContain(detail);
  expect(parts.asked).toEqual([]);
});

test("forwarding is true or false", async () => {
  const problem = await problemOf("/increment?forward=no", { method: "POST" });
  expect(problem.detail).toBe('query parameter forward: expected true or false, got "no"');
});

test.each([
  ["GET", "/increment", "POST, OPTIONS"],
  ["DELETE", "/increment", "POST, OPTIONS"],
  ["POST", "/counter", "GET, HEAD, OPTIONS"],
  ["DELETE", "/receipts/7", "GET, HEAD, OPTIONS"],
  ["PATCH", "/", "GET, HEAD, OPTIONS"],
])("%s %s is not allowed, and the answer says what is", async (method, path, allow) => {
  const problem = await problemOf(path, { method });
  expect(problem).toMatchObject({ status: 405, code: "request.methodNotAllowed" });
  expect(problem.headers.get("allow")).toBe(allow);
});

test.each([
  "/increment/",
  "//increment",
  "/Increment",
  "/receipts",
  "/receipts/7/path",
  "/status.json",
])("the path %s is unknown", async (path) => {
  const problem = await problemOf(path, { method: "POST" });
  expect(problem).toMatchObject({ status: 404, code: "request.unknownPath" });
});

const faults: readonly [CallFault, number, "definite" | "indefinite"][] = [
  [{ code: "leader.unknown" }, 503, "definite"],
  [{ code: "leader.elsewhere", leaderUrl }, 421, "definite"],
  [{ code: "overloaded", retryAfterMs: 2_500 }, 503, "definite"],
  [{ code: "command.refused", reason: "the counter is full" }, 409, "definite"],
  [{ code: "idempotency.mismatch", key: "k" }, 422, "definite"],
  [{ code: "commit.timeout", waitedMs: 5_000.4 }, 504, "indefinite"],
  [{ code: "leader.lost" }, 504, "indefinite"],
  [{ code: "read.timeout", waitedMs: 900 }, 503, "definite"],
  [{ code: "node.unavailable", reason: "starting" }, 503, "definite"],
];

// Clients: "definite (it did not and will not happen: 4xx, 503 with Retry-After) or indefinite".
test.each(faults)("the fault %j has its status and its outcome", async (fault, code, outcome) => {
  const parts = fixture(failing(fault));
  const problem = await problemOf("/increment", { method: "POST" }, parts);
  expect(problem).toMatchObject({ status: code, code: fault.code, outcome });
  expect(problem.headers.has("retry-after")).toBe(code === 503);
  expect(parts.logged).toEqual([]);
});

const receiptFaults: readonly [ReceiptFault, number, object, string | null][] = [
  [{ code: "receipt.notYet", certifiedIndex: 6 }, 404, { certifiedIndex: 6 }, "1"],
  [{ code: "receipt.compacted", firstIndex: 9 }, 410, { firstIndex: 9 }, null],
];

test.each(receiptFaults)("the fault %j says where receipts are", async (fault, ...expected) => {
  const [status, places, retryAfter] = expected;
  const problem = await problemOf("/receipts/7", {}, fixture(failing(fault)));
  expect(problem).toMatchObject({ ...fault, status, outcome: "definite", ...places });
  expect(problem.headers.get("retry-after")).toBe(retryAfter);
});

test("every 503 is definite and every 504 is not", () => {
  for (const { status, outcome } of Object.values(problems)) {
    if (status < 500 || status === 503) expect(outcome).toBe("definite");
    else expect(outcome).toBe("indefinite");
  }
});

test("details carry what the fault knows", async () => {
  const detail = async (fault: CallFault) =>
    (await problemOf("/increment", { method: "POST" }, fixture(failing(fault)))).detail;
  expect(await detail({ code: "command.refused", reason: "the counter is full" })).toBe(
    "the counter is full",
  );
  expect(await detail({ code: "idempotency.mismatch", key: "k" })).toContain('the key "k"');
  expect(await detail({ code: "commit.timeout", waitedMs: 5_000.4 })).toBe(
    "as the service said (5000 ms): it may still be; retry with the same Idempotency-Key",
  );
  expect(await detail({ code: "leader.unknown" })).toBe("as the service said");
});

test("an overloaded node says for how many whole seconds to wait", async () => {
  const busy = fixture(failing({ code: "overloaded", retryAfterMs: 2_500 }));
  const problem = await problemOf("/increment", { method: "POST" }, busy);
  expect(problem.headers.get("retry-after")).toBe("3");
});

test("a node that does not lead names the leader in the document and in Location", async () => {
  const parts = fixture(failing({ code: "leader.elsewhere", leaderUrl }));
  const problem = await problemOf("/increment?forward=false", { method: "POST" }, parts);
  expect(problem.leader).toBe(leaderUrl);
  expect(problem.headers.get("location")).toBe(`${leaderUrl}/increment`);
});

test.each(["", "javascript:alert(1)", "http://a\r\nset-cookie: b", "not a URL"])(
  "the endpoint %j from the contract is not passed on as it is",
  async (endpoint) => {
    const parts = fixture(failing({ code: "leader.elsewhere", leaderUrl: endpoint }));
    const problem = await problemOf("/increment?forward=false", { method: "POST" }, parts);
    expect(problem.status).toBe(421);
    expect(problem.headers.get("location") ?? "http://").toMatch(/^http:\/\/[\w./:-]*$/);
    expect(problem.headers.has("set-cookie")).toBe(false);
  },
);

test("a bug answers 500, indefinite, without its text, and is logged", async () => {
  const parts = fixture({ counter: () => Promise.reject(new TypeError("secret detail")) });
  const problem = await problemOf("/counter", {}, parts);
  expect(problem).toMatchObject({ status: 500, code: "node.failed", outcome: "indefinite" });
  expect(JSON.stringify(problem)).not.toContain("secret detail");
  expect(parts.logged).toEqual(["a request failed unexpectedly: TypeError: secret detail"]);
});
