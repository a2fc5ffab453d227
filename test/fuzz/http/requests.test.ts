/** Requests made from the routes' parameters: right, nearly right, and wild. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byMax } from "../../../node/src/application/counter/counter.ts";
import { runs, withinMs } from "../support/runs.ts";
import { type Answer, expectDocumented, readAnswers } from "./answers.ts";
import { converse } from "./client.ts";
import { bytesOf, increments, type Request, requests, routes } from "./requests.ts";
import { startTarget } from "./target.ts";

let target: Awaited<ReturnType<typeof startTarget>>;

beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());

const last = Buffer.from("GET /status HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n");

async function answersTo(asked: readonly Request[]): Promise<readonly Answer[]> {
  return readAnswers(await converse(target.port, [...asked.map(bytesOf), last]));
}

test("the requests tried here go to every route there is", async () => {
  const list = await fetch(`http://127.0.0.1:${target.port}/`);
  const { endpoints } = (await list.json()) as { endpoints: { method: string; path: string }[] };
  const tried = routes.map(({ method, path }) => `${method} ${path}`);
  expect(endpoints.map(({ method, path }) => `${method} ${path}`)).toEqual(tried);
});

const conversations = fc.array(
  fc.array(fc.oneof({ weight: 5, arbitrary: requests }, { weight: 1, arbitrary: increments }), {
    minLength: 1,
    maxLength: 3,
  }),
  { minLength: 1, maxLength: 6 },
);

test(
  "every request gets a documented answer, and nothing but increments moves the counter",
  async () => {
    await fc.assert(
      fc.asyncProperty(conversations, async (asked) => {
        const before = target.applied().length;
        const heard = await Promise.all(asked.map(answersTo));
        for (const answers of heard) for (const answer of answers) expectDocumented(answer);
        expect(target.logged()).toEqual([]);

        const applied = target.applied().slice(before);
        expect(applied.filter((by) => !Number.isInteger(by) || by < 1 || by > byMax)).toEqual([]);
        const possible = asked.flat().filter(({ method }) => method === "POST").length;
        const acknowledged = heard.flat().filter(({ body }) => body.startsWith('{"value":'));
        expect(applied.length).toBeLessThanOrEqual(possible);
        expect(acknowledged.length).toBeLessThanOrEqual(applied.length + countersRead(asked));
        const [status] = await answersTo([]);
        expect(status?.status).toBe(200);
      }),
      runs(80),
    );
  },
  withinMs(60_000),
);

/** Reads of the counter show a value, too. */
function countersRead(asked: readonly (readonly Request[])[]): number {
  return asked.flat().filter(({ target: to }) => /counter/i.test(to)).length;
}
