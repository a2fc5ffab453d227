/** Large frames, full buffers and silence. */
import { expect, test } from "vitest";
import { makeEntry } from "../../../node/src/consensus/entry.ts";
import { noHash, term } from "../../../node/src/consensus/ids.ts";
import { origin } from "../../../node/src/consensus/log.ts";
import { emptyFrontier } from "../../../node/src/consensus/merkle.ts";
import type { Message } from "../../../node/src/consensus/message.ts";
import { startPuppet } from "./stranger.ts";
import { alice, bob, digest, eventually, introduce, startPeer } from "./support.ts";

const confidence = (of: number): Message => ({ kind: "confidence", term: term(of) });

test("a frame of several megabytes arrives whole", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  const payload = Buffer.alloc(7_000_000, 5);
  const draft = { index: 1, term: term(1), timeMs: 1 };
  const entry = makeEntry(draft, { kind: "command", payload }, noHash, digest);
  a.peers.send(b.boot, {
    kind: "append",
    term: term(1),
    rosterHash: noHash,
    previous: origin,
    entries: [entry],
    commitIndex: 0,
    round: 0,
    active: true,
  });
  await eventually(() => b.messages.length === 1);
  const [received] = b.messages;
  expect(received?.message.kind === "append" && received.message.entries[0]?.hash).toBe(entry.hash);
});

test("a message too large for a frame is dropped, and the channel lives on", async () => {
  const [a, b] = [
    await startPeer(alice, { limits: { frameBytesMax: 3_000 } }),
    await startPeer(bob),
  ];
  await introduce(a, b);
  const payload = Buffer.alloc(6_000);
  await expect(a.peers.request(b.boot, { kind: "command", payload }, 1_000)).rejects.toMatchObject({
    fault: { code: "peer.unreachable" },
  });
  a.peers.send(b.boot, confidence(1));
  await eventually(() => b.messages.length === 1);
});

test("a peer that reads nothing is sent what the buffer holds, then given up", async () => {
  const a = await startPeer(alice, { limits: { bufferBytesMax: 100_000, silenceMs: 200 } });
  const deaf = await startPuppet(bob, (socket) => socket.pause());
  a.peers.setRoster([deaf.address]);
  await eventually(() => a.connected.length === 1);

  const bytes = Buffer.alloc(50_000);
  const seats = {
    ...{ valid: new Map(), named: new Set<never>(), rosters: [], namedAt: new Map() },
    coldTerm: term(0),
  };
  const offsets = { offset: 0, totalBytes: bytes.length };
  for (let sent = 0; sent < 10; sent += 1) {
    a.peers.send(deaf.boot, {
      ...{ kind: "snapshot-chunk", term: term(1), rosterHash: noHash, at: origin },
      ...{ seats, tree: emptyFrontier, bytes, ...offsets },
    });
  }
  expect(a.dropped("buffer-full")).toBe(9);
  await eventually(() => a.disconnected.length === 1);
});

test("an idle channel outlives the limits of a silent one and of a stranger", async () => {
  const limits = { silenceMs: 50, helloMs: 300 };
  const [a, b] = [await startPeer(alice, { limits }), await startPeer(bob, { limits })];
  await introduce(a, b);
  const untilMs = performance.now() + 600;
  await eventually(() => performance.now() > untilMs);
  expect([...a.disconnected, ...b.disconnected]).toEqual([]);
});
