import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { CallFault } from "../../../node/src/runtime/ports.ts";
import { alice, bob, eventually, introduce, startPeer } from "./support.ts";

const readIndex = { kind: "read-index" } as const;

test("requests get their own responses, whatever the order of the answers", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  const held: (() => void)[] = [];
  b.answers.current = (from, request) => {
    expect(from).toEqual(a.boot);
    return new Promise((resolve) => {
      const result = request.kind === "command" ? request.payload : Buffer.alloc(0);
      held.push(() => resolve({ kind: "committed", index: 1, term: term(1), result }));
    });
  };
  const asked = [1, 2, 3].map((byte) =>
    a.peers.request(b.boot, { kind: "command", payload: Uint8Array.of(byte) }, 10_000),
  );
  await eventually(() => held.length === 3);
  for (const release of held.reverse()) release();

  const results = await Promise.all(asked);
  expect(results.map((answer) => answer.kind === "committed" && [...answer.result])).toEqual([
    [1],
    [2],
    [3],
  ]);
});

test("a fault of the answering member comes back as it is", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  const fault: CallFault = { code: "command.refused", reason: "Zahl zu groß" };
  b.answers.current = () => Promise.reject(new ClusterError(fault, "refused"));
  expect(await a.peers.request(b.boot, readIndex, 10_000)).toEqual({ kind: "failed", fault });
});

test("an answer that failed for any other reason is indefinite", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  b.answers.current = () => Promise.reject(new Error("out of luck"));
  expect(await a.peers.request(b.boot, readIndex, 10_000)).toEqual({
    kind: "failed",
    fault: { code: "leader.lost" },
  });
});

test("a request without a channel is unreachable, which is definite", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  const unreachable = { fault: { code: "peer.unreachable", member: bob } };
  await expect(a.peers.request(b.boot, readIndex, 1_000)).rejects.toMatchObject(unreachable);
  await introduce(a, b);
  const former = { member: bob, bootKey: a.boot.bootKey };
  await expect(a.peers.request(former, readIndex, 1_000)).rejects.toMatchObject(unreachable);
});

test("a request that is not answered times out, and its late answer is ignored", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer = { kind: "read-index", index: 4, term: term(2) } as const;
  b.answers.current = () => promise.then(() => answer);
  await expect(a.peers.request(b.boot, readIndex, 20)).rejects.toMatchObject({
    fault: { code: "peer.timeout", waitedMs: 20 },
  });
  resolve();
  b.answers.current = () => Promise.resolve({ ...answer, index: 5 });
  expect(await a.peers.request(b.boot, readIndex, 10_000)).toMatchObject({ index: 5 });
  expect(a.disconnected).toEqual([]);
});

test("a request under way when the channel ends is lost, which is indefinite", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  b.answers.current = () => {
    void b.peers.close();
    return new Promise(() => {});
  };
  await expect(a.peers.request(b.boot, readIndex, 10_000)).rejects.toMatchObject({
    fault: { code: "peer.lost", member: bob },
  });
});

test("unanswered requests are bounded at who asks and at who answers", async () => {
  const limits = { requestsMax: 2 };
  const [a, b] = [await startPeer(alice), await startPeer(bob, { limits })];
  await introduce(a, b);
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer = { kind: "read-index", index: 4, term: term(2) } as const;
  const later = () => promise.then(() => answer);
  a.answers.current = later;
  b.answers.current = later;

  const [, , third] = [1, 2, 3].map(() => a.peers.request(b.boot, readIndex, 10_000));
  expect(await third).toMatchObject({ fault: { code: "overloaded" } });
  const own = [1, 2].map(() => b.peers.request(a.boot, readIndex, 10_000));
  await expect(b.peers.request(a.boot, readIndex, 10_000)).rejects.toMatchObject({
    fault: { code: "peer.unreachable" },
  });
  resolve();
  expect(await Promise.all(own)).toEqual([answer, answer]);
});
