import { expect, test } from "vitest";
import { createApp } from "../../../node/src/http/app.ts";
import { fixture, leaderUrl, proof, receipt, status } from "./fixture.ts";

async function ask(path: string, init: RequestInit = {}, parts = fixture()) {
  const response = await createApp(parts).request(path, init);
  const text = await response.text();
  const body: unknown = text === "" ? null : JSON.parse(text);
  return { response, body, asked: parts.asked };
}
const post = (body?: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
  ...(body === undefined ? {} : { body }),
});

// HTTP, per node: "{value, term, index, leader}".
test("an increment answers value, term, index and leader, in that order", async () => {
  const { response, body } = await ask("/increment", post('{"by": 7}'));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(JSON.stringify(body)).toBe(
    JSON.stringify({ value: 48, term: 3, index: 9, leader: leaderUrl }),
  );
});

test.each([
  ["no body", undefined],
  ["an empty object", "{}"],
])("%s means an increment by one", async (_case, given) => {
  const { asked } = await ask("/increment", post(given));
  const plain = { by: 1, idempotencyKey: null, forward: true };
  expect(asked).toEqual([["increment", plain]]);
});

test("an increment takes its key from the header and its forwarding from the query", async () => {
  const init = post('{"by": 2147483647}', { "idempotency-key": "order 12" });
  const { asked } = await ask("/increment?forward=false", init);
  const request = { by: 2_147_483_647, idempotencyKey: "order 12", forward: false };
  expect(asked).toEqual([["increment", request]]);
});

test("JSON may name its character set", async () => {
  const headers = { "content-type": "Application/JSON; charset=utf-8" };
  const { response } = await ask("/increment", post('{"by": 2}', headers));
  expect(response.status).toBe(200);
});

test("a read is linearizable unless it is asked to be local", async () => {
  expect((await ask("/counter")).asked).toEqual([["counter", "linearizable"]]);
  const { body } = await ask("/counter?consistency=local");
  expect(body).toEqual({ value: 42, term: 3, index: 9, consistency: "local", ageMs: 0 });
});

test("the status and the roster are what the service says", async () => {
  expect((await ask("/status")).body).toEqual(status);
  expect((await ask("/members")).body).toEqual([]);
});

test("the log answers its last hundred entries, or those asked for", async () => {
  expect((await ask("/log")).asked).toEqual([["log", 1_131, 100]]);
  expect((await ask("/log?limit=1000")).asked).toEqual([["log", 231, 1_000]]);
  expect((await ask("/log?from=5&limit=10")).asked).toEqual([["log", 5, 10]]);
});

test("the last entries of a short log begin at the first", async () => {
  const short = fixture({ status: () => ({ ...status, commitIndex: 4 }) });
  expect((await ask("/log", {}, short)).asked).toEqual([["log", 1, 100]]);
});

test("the receipt is the one of the entry that the path names", async () => {
  const { body, asked } = await ask("/receipts/7");
  expect(body).toEqual(receipt);
  expect(asked).toEqual([["receipt", 7]]);
  const last = String(Number.MAX_SAFE_INTEGER);
  expect((await ask(`/receipts/${last}`)).asked).toEqual([["receipt", Number(last)]]);
});

test("health is 200 while the node is in touch and 503 with the reason when it is not", async () => {
  expect((await ask("/health")).body).toEqual({ ok: true });
  const sick = fixture({ health: () => ({ ok: false, reason: "no leader for 1,200 ms" }) });
  const { response, body } = await ask("/health", {}, sick);
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(body).toMatchObject({ code: "node.unhealthy", detail: "no leader for 1,200 ms" });
});

test("the attestation comes with the caller's nonce, or without", async () => {
  const { body, asked } = await ask("/attestation");
  expect(body).toEqual(proof);
  expect(asked).toEqual([["attestation", null]]);
  expect((await ask("/attestation?nonce=00FFaa")).asked).toEqual([["attestation", "00ffaa"]]);
  expect((await ask("/attestation?nonce=")).asked).toEqual([["attestation", ""]]);
  const longest = "0".repeat(64);
  expect((await ask(`/attestation?nonce=${longest}`)).asked).toEqual([["attestation", longest]]);
});

test("metrics come as Prometheus reads them", async () => {
  const response = await createApp(fixture()).request("/metrics");
  expect(await response.text()).toBe("dstack_cluster_term 3\n");
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
});

test("the root lists every path", async () => {
  const { body } = await ask("/");
  const { endpoints } = body as { endpoints: { method: string; path: string }[] };
  expect(endpoints.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /",
    "POST /increment",
    "GET /counter",
    "GET /status",
    "GET /members",
    "GET /log",
    "GET /receipts/{index}",
    "GET /health",
    "GET /attestation",
    "GET /metrics",
  ]);
});

test("HEAD answers as GET does, without the body", async () => {
  const response = await createApp(fixture()).request("/status", { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-length")).toBe(String(JSON.stringify(status).length));
  expect(await response.text()).toBe("");
});

test("OPTIONS answers the methods of a path", async () => {
  const allow = async (path: string) => {
    const response = await createApp(fixture()).request(path, { method: "OPTIONS" });
    expect(response.status).toBe(204);
    return response.headers.get("allow");
  };
  expect(await allow("/counter")).toBe("GET, HEAD, OPTIONS");
  expect(await allow("/increment")).toBe("POST, OPTIONS");
});

test("what was read is not to be kept by anyone between", async () => {
  const { response } = await ask("/counter");
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("answers are counted by path and status, and unknown paths under one name", async () => {
  const parts = fixture();
  await ask("/counter", {}, parts);
  await ask("/counter?x=1", {}, parts);
  await ask("/wp-login.php", {}, parts);
  await ask("/receipts/7", {}, parts);
  await ask("/receipts/8", {}, parts);
  expect(parts.counted).toEqual([
    "http_requests_total /counter 200",
    "http_requests_total /counter 400",
    "http_requests_total other 404",
    "http_requests_total /receipts/{index} 200",
    "http_requests_total /receipts/{index} 200",
  ]);
});
