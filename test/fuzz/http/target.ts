/** The real server on a real socket, over a service that keeps a counter. */
import { httpLimits, startHttp } from "../../../node/src/http/server.ts";
import type { Service } from "../../../node/src/runtime/service.ts";
import { fixture, leaderUrl } from "../../node/http/fixture.ts";

/** Short, so that a request that never ends is soon over. */
const limits = { ...httpLimits, headersMs: 150, requestMs: 200, keepAliveMs: 200, checkMs: 25 };

export async function startTarget() {
  let value = 0;
  const applied: number[] = [];
  const service: Partial<Service> = {
    async increment({ by }) {
      value += by;
      applied.push(by);
      return { value, term: 3, index: applied.length, leader: leaderUrl };
    },
  };
  const parts = fixture(service);
  const server = await startHttp({ ...parts, host: "127.0.0.1", port: 0, drainMs: 500, limits });
  return {
    port: server.port,
    /** Amounts, in order. */
    applied: (): readonly number[] => applied,
    /** What nobody declared: bugs. */
    logged: (): readonly string[] => parts.logged,
    close: server.close,
  };
}
