/** Any request at all, whatever it says. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createApp } from "../../../node/src/http/app.ts";
import { problems } from "../../../node/src/http/problem.ts";
import { fixture } from "./fixture.ts";

type Document = { readonly code: string; readonly detail: string; readonly outcome: string };

const paths = fc.oneof(
  fc.constantFrom("/", "/increment", "/counter", "/status", "/members", "/log", "/x"),
  fc.string().map((index) => `/receipts/${encodeURIComponent(index)}`),
);
const queries = fc.oneof(
  fc.constant(""),
  fc.webQueryParameters().map((query) => `?${query}`),
  fc
    .tuple(fc.constantFrom("from", "limit", "consistency", "forward", "nonce"), fc.string())
    .map(([name, value]) => `?${name}=${encodeURIComponent(value)}`),
);
const bodies = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc
    .record({ by: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()) })
    .map((by) => JSON.stringify(by)),
);
const headers = fc.record({
  "content-type": fc.constantFrom("application/json", "text/html", ";", "application/json;x"),
  "idempotency-key": fc.string({ unit: "grapheme-ascii" }).map((key) => key.trim()),
});

test("whatever is sent, the answer is a success or a problem document with a 4xx", async () => {
  const app = createApp(fixture());
  const methods = fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS");
  await fc.assert(
    fc.asyncProperty(paths, queries, methods, bodies, headers, async (path, query, ...rest) => {
      const [method, body, sent] = rest;
      const init = method === "GET" ? { method, headers: sent } : { method, body, headers: sent };
      const response = await app.request(path + query, init);
      expect(response.status).toBeLessThan(500);
      if (response.status < 400) return;
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const { code, detail, outcome } = (await response.json()) as Document;
      expect(outcome).toBe("definite");
      expect(Object.keys(problems)).toContain(code);
      expect(detail.length).toBeGreaterThan(10);
    }),
    { numRuns: 500 },
  );
});
