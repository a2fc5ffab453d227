import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import type { Replica } from "../../../node/src/consensus/replica.ts";
import { createService } from "../../../node/src/runtime/answers.ts";
import { CallError, createCalls } from "../../../node/src/runtime/calls.ts";
import type { Member } from "../../../node/src/runtime/member.ts";
import { createPassedOn, type PassedOn } from "../../../node/src/runtime/passedOn.ts";
import type { PeerResponse, Peers } from "../../../node/src/runtime/ports.ts";
import { createReplicated } from "../../../node/src/runtime/replicated.ts";
import type { Service } from "../../../node/src/runtime/service.ts";
import { newStation } from "../../../node/src/runtime/station.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { bootOf, registered, rosterOfBoots, viewOf } from "../consensus/support.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const nowMs = () => 1_000;

function followerOfA(): Replica {
  const following = {
    term: term(1),
    leader: a,
    active: true,
    goesOn: false,
    heardMs: 0,
    heardAwakeMs: 0,
    rejoinAskedMs: 0,
  };
  return { ...registered(b, viewOf(rosterOfBoots([a, b, c]), 1, a), [a, c]), following };
}

/** b, which asks its leader by `request`. */
function serviceAt(request: Peers["request"], passedOn = createPassedOn(nowMs)): Service {
  const replica = followerOfA();
  const limits = { commandMsMax: 1_000, readMsMax: 1_000, waitingMax: 100 };
  const member: Partial<Member> = {
    runner: { replica: () => replica } as Member["runner"],
    replicated: createReplicated(null, sha256Chain),
    calls: createCalls(limits, nowMs),
    passedOn,
    chainView: () => null,
    peers: () => ({ request }) as Peers,
  };
  const self = { bootKey: b.bootKey, endpoint: "http://b", version: "0", startedMs: 0 };
  return createService({
    station: { ...newStation(self), member: member as Member },
    nowMs,
    callMsMax: 1_000,
    chainLagMsMax: null,
    attest: () => Promise.reject(new Error("not asked for here")),
    metrics: () => Promise.reject(new Error("not asked for here")),
  });
}

const readIndex: PeerResponse = { kind: "read-index", index: 0, term: term(1) };

test("a follower asks its leader once for all linearizable reads of a turn", async () => {
  const asked: string[] = [];
  const service = serviceAt(async (to, { kind }) => {
    asked.push(`${kind} of ${to.member}`);
    return readIndex;
  });
  const reads = await Promise.all([1, 2, 3].map(() => service.counter("linearizable")));
  expect(reads.map(({ value, consistency }) => [value, consistency])).toEqual(
    Array(3).fill([0, "linearizable"]),
  );
  expect(asked).toEqual([`read-index of ${a.member}`]);
  await service.counter("linearizable");
  expect(asked).toHaveLength(2);
});

test("a leader that declines is told to every reader", async () => {
  const fault = { code: "leader.unknown" } as const;
  const service = serviceAt(async () => ({ kind: "failed", fault }));
  const reads = [1, 2].map(() => service.counter("linearizable"));
  expect(await Promise.allSettled(reads)).toMatchObject([
    { status: "rejected", reason: { fault } },
    { status: "rejected", reason: { fault } },
  ]);
});

test("a call whose leader was replaced ends: a write's fate is open, a read's is not", async () => {
  const passedOn: PassedOn = {
    until: () => Promise.reject(new CallError({ code: "leader.lost" }, "replaced")),
    sweep: () => undefined,
  };
  const service = serviceAt(() => new Promise(() => undefined), passedOn);
  const write = service.increment({ by: 1, idempotencyKey: null, forward: true });
  expect(await Promise.allSettled([write, service.counter("linearizable")])).toMatchObject([
    { status: "rejected", reason: { fault: { code: "leader.lost" } } },
    { status: "rejected", reason: { fault: { code: "leader.unknown" } } },
  ]);
});

test("a local read asks nobody", async () => {
  const service = serviceAt(() => Promise.reject(new Error("asked")));
  expect(await service.counter("local")).toMatchObject({ value: 0, consistency: "local" });
});
