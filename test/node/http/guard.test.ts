import { expect, test } from "vitest";
import { guardService } from "../../../node/src/http/guard.ts";
import { CallError } from "../../../node/src/runtime/calls.ts";
import type { CallFault } from "../../../node/src/runtime/ports.ts";
import type { Service } from "../../../node/src/runtime/service.ts";

/** Every wait is too long, and an interval of its own: a call that counts narrows the window. */
const limits = { callsMin: 1, callsFirst: 10, callsMax: 10, targetMs: -1, intervalMs: 0 };
const request = { by: 1, idempotencyKey: null, forward: true };

async function allowedAfter(fault: CallFault): Promise<number> {
  const fails: Partial<Service> = {
    increment: () => Promise.reject(new CallError(fault, "as the test says")),
  };
  const { service, writes } = guardService(fails as Service, limits);
  await expect(service.increment(request)).rejects.toMatchObject({ fault });
  return writes.allowed();
}

test.each<[CallFault]>([[{ code: "leader.lost" }], [{ code: "leader.unknown" }]])(
  "a call that fails for want of a leader narrows nothing: $code",
  async (fault) => {
    expect(await allowedAfter(fault)).toBe(limits.callsFirst);
  },
);

test.each<[CallFault]>([
  [{ code: "commit.timeout", waitedMs: 5_000 }],
  [{ code: "overloaded", retryAfterMs: 1_000 }],
])("a call that waited in vain, or was turned away, narrows the window: $code", async (fault) => {
  expect(await allowedAfter(fault)).toBe(8);
});
