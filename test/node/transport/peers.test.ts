import { expect, test } from "vitest";
import { type Boot, term } from "../../../node/src/consensus/ids.ts";
import type { Message } from "../../../node/src/consensus/message.ts";
import { encodeFrame } from "../../../node/src/transport/codec.ts";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { helloOf, knockAs, nowhere, startPuppet } from "./stranger.ts";
import {
  alice,
  appraisal,
  bob,
  carol,
  eventually,
  introduce,
  proofOf,
  startPeer,
} from "./support.ts";

const confidence = (of: number): Message => ({ kind: "confidence", term: term(of) });
const termIn = (message: Message | undefined) =>
  message !== undefined && "term" in message ? message.term : null;
const readIndex = { kind: "read-index" } as const;

test("members on each other's roster exchange messages in order", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);

  for (let of = 1; of <= 100; of += 1) a.peers.send(b.boot, confidence(of));
  await eventually(() => b.messages.length === 100);

  expect(a.connected).toEqual([b.boot]);
  expect(b.connected).toEqual([a.boot]);
  expect(b.messages.map(({ message }) => termIn(message))).toEqual(
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
  expect(b.messages.every(({ from }) => from.bootKey === a.boot.bootKey)).toBe(true);
});

test("a restarted member is reached under its new key, and no longer under the old", async () => {
  const a = await startPeer(alice);
  const before = await startPeer(bob);
  await introduce(a, before);
  await before.peers.close();
  await eventually(() => a.disconnected.length === 1);

  const port = before.peers.port;
  const after = await startPeer(bob, { port });
  after.peers.setRoster([a.address]);
  await eventually(() => a.connected.length === 2);

  expect(a.disconnected).toEqual([before.boot]);
  expect(a.connected).toEqual([before.boot, after.boot]);
  a.peers.send(before.boot, confidence(1));
  a.peers.send(after.boot, confidence(2));
  await eventually(() => after.messages.length === 1);
  expect(after.messages[0]?.message).toEqual(confidence(2));
  expect(a.dropped("no-channel")).toBe(1);
});

test("a member that comes back is dialled at once, not when the back-off ends", async () => {
  const limits = { redialMsMin: 60_000, redialMsMax: 60_000 };
  const a = await startPeer(alice, { limits });
  const before = await startPeer(bob);
  await introduce(a, before);
  await before.peers.close();
  await eventually(() => a.disconnected.length === 1);

  const after = await startPeer(bob, { port: before.peers.port });
  after.peers.setRoster([a.address]);
  await eventually(() => a.connected.length === 2);
});

test("a member that is away is dialled until it is there", async () => {
  const a = await startPeer(alice, { limits: { redialMsMax: 20 } });
  const placeholder = await startPeer(bob);
  const { port } = placeholder.peers;
  await placeholder.peers.close();
  a.peers.setRoster([placeholder.address]);
  await eventually(() => a.lines.some(({ sentence }) => sentence.startsWith("dialling a peer")));

  const b = await startPeer(bob, { port });
  b.peers.setRoster([nowhere(alice)]);
  await eventually(() => a.connected.length === 1);
});

test("two boots of one member are told apart in both directions", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  const clone = await startPeer(bob);
  await introduce(a, b);
  clone.peers.setRoster([a.address]);
  await eventually(() => clone.connected.length === 1);

  clone.peers.send(a.boot, confidence(2));
  b.peers.send(a.boot, confidence(1));
  await eventually(() => a.messages.length === 2);
  const termOf = (boot: Boot) =>
    termIn(a.messages.find(({ from }) => from.bootKey === boot.bootKey)?.message);
  expect([termOf(b.boot), termOf(clone.boot)]).toEqual([1, 2]);

  // Alice's channel goes to the boot that answers at the listed address.
  a.peers.send(clone.boot, confidence(3));
  a.peers.send(b.boot, confidence(4));
  await eventually(() => b.messages.length === 1);
  expect(b.messages[0]?.message).toEqual(confidence(4));
  expect(clone.messages).toEqual([]);
});

test("clones of one member displace one another, not other members", async () => {
  const a = await startPeer(alice, { limits: { bootsPerMemberMax: 2 } });
  const c = await startPeer(carol);
  a.peers.setRoster([nowhere(bob), c.address]);
  c.peers.setRoster([a.address]);
  await eventually(() => c.connected.length === 1);
  const clones = [];
  for (let of = 1; of <= 3; of += 1) {
    const key = await createBootIdentity();
    const clone = knockAs(a, key);
    clone.socket.write(helloOf(proofOf(bob, key)));
    await eventually(() => clone.heard().length > 0);
    clones.push(clone);
  }
  await clones[0]?.closed;
  c.peers.send(a.boot, confidence(1));
  await eventually(() => a.messages.length === 1);
  expect(clones[1]?.socket.closed).toBe(false);
  expect(clones[2]?.socket.closed).toBe(false);
});

test("a boot that dials again replaces its former channel", async () => {
  const a = await startPeer(alice);
  a.peers.setRoster([nowhere(bob)]);
  const key = await createBootIdentity();
  const first = knockAs(a, key);
  first.socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => first.heard().length > 0);
  const second = knockAs(a, key);
  second.socket.write(helloOf(proofOf(bob, key)));
  await first.closed;
  await eventually(() => second.heard().length > 0);
  second.socket.write(encodeFrame({ kind: "message", message: confidence(1) }));
  await eventually(() => a.messages.length === 1);
});

test("who leaves the roster loses its channels and is not heard again", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  a.peers.setRoster([]);
  await eventually(() => a.disconnected.length === 1 && b.disconnected.length === 1);

  a.peers.send(b.boot, confidence(1));
  expect(a.dropped("no-channel")).toBe(1);
  // Bob still lists alice and dials her; she neither lets him in nor dials him.
  await eventually(() => a.rejected("not-a-member") > 2);
  expect(a.messages).toEqual([]);
  expect(a.connected).toHaveLength(1);
});

test("a boot that is dropped loses its channels both ways, and is judged again when it returns", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  a.verify.mockRejectedValue(new Error("the compose hash is not allowed"));
  a.peers.drop([b.boot.bootKey]);
  await eventually(() => a.disconnected.length === 1 && b.disconnected.length === 1);
  a.peers.send(b.boot, confidence(1));
  expect(a.dropped("no-channel")).toBe(1);
  await eventually(() => a.rejected("proof") > 1);
  expect(a.connected).toHaveLength(1);

  a.verify.mockResolvedValue(appraisal);
  await eventually(() => a.connected.length === 2);
});

test("dropping one boot leaves the others their channels", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  a.peers.drop([a.boot.bootKey]);
  a.peers.send(b.boot, confidence(1));
  await eventually(() => b.messages.length === 1);
  expect(a.disconnected).toEqual([]);
});

test("who left the roster is dialled no more", async () => {
  const a = await startPeer(alice, { limits: { redialMsMin: 5, redialMsMax: 5 } });
  let dialled = 0;
  const left = await startPuppet(bob, () => {
    dialled += 1;
  });
  a.peers.setRoster([left.address]);
  await eventually(() => a.connected.length === 1);
  a.peers.setRoster([]);
  const untilMs = performance.now() + 200;
  await eventually(() => performance.now() > untilMs);
  expect(dialled).toBe(1);
});

test("naming the same roster again changes nothing", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  await introduce(a, b);
  a.peers.setRoster([b.address, a.address]);
  a.peers.send(b.boot, confidence(1));
  await eventually(() => b.messages.length === 1);
  expect(a.disconnected).toEqual([]);
});

test("a new address is dialled at once, in place of the old", async () => {
  const [a, b] = [await startPeer(alice), await startPeer(bob)];
  const moved = await startPeer(bob);
  await introduce(a, b);
  moved.peers.setRoster([a.address]);
  a.peers.setRoster([moved.address]);
  await eventually(() => a.connected.length === 2);
  expect(a.disconnected).toEqual([b.boot]);
  expect(a.connected[1]).toEqual(moved.boot);
});

test("another member at a member's address is refused", async () => {
  const [a, c] = [await startPeer(alice), await startPeer(carol)];
  c.peers.setRoster([nowhere(alice)]);
  a.peers.setRoster([{ member: bob, peerEndpoint: c.address.peerEndpoint }, nowhere(carol)]);
  await eventually(() => a.rejected("wrong-member") > 0);
  expect(a.connected).toEqual([]);
});

test("a server that shows another boot's proof is refused", async () => {
  const a = await startPeer(alice);
  const other = await createBootIdentity();
  const b = await startPeer(bob, { prove: () => Promise.resolve(proofOf(bob, other)) });
  b.peers.setRoster([nowhere(alice)]);
  a.peers.setRoster([b.address]);
  await eventually(() => a.rejected("replay") > 0);
  expect(a.connected).toEqual([]);
});

test("an address that is none is reported and harms nobody", async () => {
  const a = await startPeer(alice);
  const b = await startPeer(bob);
  b.peers.setRoster([a.address]);
  for (const peerEndpoint of ["", "bob", "bob:0", "bob:99999", "b\0b:1", "https://bob:1", ":1"]) {
    a.peers.setRoster([{ member: carol, peerEndpoint }, b.address]);
  }
  await eventually(() => a.connected.length === 1);
  expect(a.lines.filter(({ sentence }) => sentence.startsWith("dialling"))).toHaveLength(7);
});

test("a member whose proof cannot be had keeps trying", async () => {
  const a = await startPeer(alice);
  const identity = await createBootIdentity();
  let refusals = 3;
  const prove = () => {
    refusals -= 1;
    if (refusals >= 0) return Promise.reject(new Error("the guest agent is away"));
    return Promise.resolve(proofOf(bob, identity));
  };
  const b = await startPeer(bob, { identity, prove, limits: { redialMsMax: 20 } });
  a.peers.setRoster([nowhere(bob)]);
  b.peers.setRoster([a.address]);
  await eventually(() => b.connected.length === 1);
});

test("close ends everything within a second, a deaf peer included", async () => {
  const a = await startPeer(alice);
  const deaf = await startPuppet(bob, (socket) => socket.pause());
  const b = await startPeer(carol);
  b.peers.setRoster([a.address]);
  a.peers.setRoster([deaf.address, b.address]);
  await eventually(() => a.connected.length === 2 && b.connected.length === 1);
  const asked = a.peers.request(deaf.boot, readIndex, 60_000);
  a.peers.send(b.boot, confidence(9));

  const begunMs = performance.now();
  await Promise.all([
    a.peers.close(),
    expect(asked).rejects.toMatchObject({
      fault: { code: "peer.lost" },
    }),
  ]);
  expect(performance.now() - begunMs).toBeLessThan(1_000);
  // What was said before closing still leaves.
  expect(b.messages.map(({ message }) => message)).toEqual([confidence(9)]);
  await eventually(() => b.disconnected.length === 1);
  expect(a.disconnected).toEqual([]);
});

test("an address that is taken is said so", async () => {
  const a = await startPeer(alice);
  await expect(startPeer(bob, { port: a.peers.port })).rejects.toThrow("cannot listen for peers");
});
