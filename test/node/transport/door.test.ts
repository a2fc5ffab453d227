/** Who is turned away, and that nobody else notices. */
import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { Appraisal } from "../../../node/src/runtime/attestation.ts";
import { encodeFrame } from "../../../node/src/transport/codec.ts";
import { protocolVersion } from "../../../node/src/transport/header.ts";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { helloOf, knockAs, knockPlainly, nowhere } from "./stranger.ts";
import { alice, appraisal, bob, carol, eventually, proofOf, startPeer } from "./support.ts";

/** Alice, who has bob on her roster; bob's key is the test's. */
async function aliceKnowingBob(options: Parameters<typeof startPeer>[1] = {}) {
  const a = await startPeer(alice, options);
  a.peers.setRoster([nowhere(bob)]);
  return { a, key: await createBootIdentity() };
}

const confidence = encodeFrame({
  kind: "message",
  message: { kind: "confidence", term: term(1) },
});

test("a member's boot is let in and heard", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => heard().length > 0);
  socket.write(confidence);

  await eventually(() => a.messages.length === 1);
  expect(a.messages[0]?.from).toEqual({ member: bob, bootKey: key.bootKey });
});

test("a hello replayed under another key is refused", async () => {
  const { a, key } = await aliceKnowingBob();
  const thief = knockAs(a, await createBootIdentity());
  thief.socket.write(helloOf(proofOf(bob, key)));

  await thief.closed;
  expect(a.rejected("replay")).toBe(1);
  expect(a.verify).not.toHaveBeenCalled();
});

test("a hello for another chain or another contract is refused", async () => {
  const { a, key } = await aliceKnowingBob();
  const others = [{ chainId: 1 }, { contract: `0x${"00".repeat(20)}` }];
  for (const other of others) {
    const { socket, closed } = knockAs(a, key);
    socket.write(helloOf(proofOf(bob, key), other));
    await closed;
  }
  expect(a.rejected("cluster")).toBe(2);
});

test("who is not on the roster is refused", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(carol, key)));

  await closed;
  expect(a.rejected("not-a-member")).toBe(1);
  expect(a.verify).not.toHaveBeenCalled();
  expect(heard()).toHaveLength(0);
});

test("a clone of oneself is no peer", async () => {
  const { a, key } = await aliceKnowingBob();
  a.peers.setRoster([a.address, nowhere(bob)]);
  const { socket, closed } = knockAs(a, key);
  socket.write(helloOf(proofOf(alice, key)));

  await closed;
  expect(a.rejected("not-a-member")).toBe(1);
});

test("a proof that does not verify is refused, and tried anew the next time", async () => {
  const { a, key } = await aliceKnowingBob();
  a.verify.mockRejectedValueOnce(new Error("the measurement is not allowed"));
  const first = knockAs(a, key);
  first.socket.write(helloOf(proofOf(bob, key)));
  await first.closed;
  expect(a.rejected("proof")).toBe(1);

  const second = knockAs(a, key);
  second.socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => second.heard().length > 0);
  expect(a.verify).toHaveBeenCalledTimes(2);
});

test("the log names the check of a refused proof, what was expected and what was found", async () => {
  const { a, key } = await aliceKnowingBob();
  const found = { check: "compose hash", expected: "one that is allowed", actual: "c5" };
  const fault = { code: "quote.rejected", ...found };
  a.verify.mockRejectedValueOnce(new ClusterError(fault, "the quote's compose hash is c5"));
  const { socket, closed } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await closed;
  const rejected = a.lines.find(({ sentence }) => sentence === "peer rejected");
  expect(rejected?.fields).toMatchObject({ address: "127.0.0.1", reason: "proof", fault });
});

test("a verification without end does not hold the connection", async () => {
  const verify = () => new Promise<never>(() => {});
  const { a, key } = await aliceKnowingBob({ verify, limits: { verifyMs: 50 } });
  const { socket, closed } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));

  await closed;
  expect(a.rejected("proof")).toBe(1);
});

test("who leaves the roster while being verified is refused", async () => {
  const { a, key } = await aliceKnowingBob();
  a.verify.mockImplementation(async () => {
    a.peers.setRoster([]);
    return appraisal;
  });
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));

  await closed;
  expect(a.verify).toHaveBeenCalledTimes(1);
  expect(a.rejected("not-a-member")).toBe(1);
  expect(heard()).toHaveLength(0);
});

test("who leaves the roster while this boot makes its own proof is not let in", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = await createBootIdentity();
  let asked = 0;
  const prove = () => {
    asked += 1;
    return promise.then(() => proofOf(alice, own));
  };
  const a = await startPeer(alice, { identity: own, prove });
  a.peers.setRoster([nowhere(bob)]);
  await eventually(() => asked === 1);
  const key = await createBootIdentity();
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => asked === 2);
  a.peers.setRoster([]);
  resolve();

  await closed;
  expect(heard()).toHaveLength(0);
});

test("garbage, and a frame that is no hello, are refused in place of a hello", async () => {
  const { a, key } = await aliceKnowingBob();
  const wrong = [Buffer.of(0, 0, 0, 3, 9, 9, 9), confidence];
  for (const bytes of wrong) {
    const { socket, closed } = knockAs(a, key);
    socket.write(bytes);
    await closed;
  }
  expect(a.rejected("garbage")).toBe(2);
  expect(a.messages).toEqual([]);
});

test("a hello of another protocol version is refused as such", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, closed } = knockAs(a, key);
  const hello = Buffer.from(helloOf(proofOf(bob, key)));
  const at = hello.indexOf(`"version":${protocolVersion}`) + '"version":'.length;
  hello.write("9", at);
  socket.write(hello);
  await closed;
  expect(a.rejected("protocol-version")).toBe(1);
});

test("an oversized hello is refused by its length alone", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, closed } = knockAs(a, key);
  socket.write(Buffer.of(0, 2, 0, 1));
  await closed;
  expect(a.rejected("oversized")).toBe(1);
});

test("an oversized frame from a verified member is refused, and the channel closed", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => heard().length > 0);
  socket.write(Buffer.of(0, 0x80, 0, 1));
  await closed;
  expect(a.rejected("oversized")).toBe(1);
});

test("garbage from a verified member is refused, and what follows it is not heard", async () => {
  const { a, key } = await aliceKnowingBob();
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => heard().length > 0);
  socket.write(Buffer.concat([confidence, Buffer.of(0, 0, 0, 2, 0, 0), confidence]));
  await closed;
  expect(a.rejected("garbage")).toBe(1);
  expect(a.messages).toHaveLength(1);
});

test("messages before the hello was answered are not heard", async () => {
  const { promise, resolve } = Promise.withResolvers<Appraisal>();
  const { a, key } = await aliceKnowingBob({ verify: () => promise });
  const { socket, closed } = knockAs(a, key);
  socket.write(Buffer.concat([helloOf(proofOf(bob, key)), confidence]));
  await closed;
  resolve(appraisal);
  expect(a.rejected("garbage")).toBe(1);
  expect(a.messages).toEqual([]);
});

test("a connection that never begins TLS, and one that never says hello, are ended", async () => {
  const { a, key } = await aliceKnowingBob({ limits: { helloMs: 50 } });
  const silent = knockPlainly(a);
  const mute = knockAs(a, key);
  const slow = knockAs(a, key);
  slow.socket.write(helloOf(proofOf(bob, key)).subarray(0, 20));

  await Promise.all([silent.closed, mute.closed, slow.closed]);
  await eventually(() => a.rejected("timeout") === 3);
});

test("half a frame and then silence ends the channel of a verified member", async () => {
  const { a, key } = await aliceKnowingBob({ limits: { silenceMs: 50 } });
  const { socket, closed, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => heard().length > 0);
  socket.write(confidence.subarray(0, 10));
  await closed;
  expect(a.messages).toEqual([]);
});

test("a flood of strangers keeps no member out", async () => {
  const a = await startPeer(alice, { limits: { strangersMax: 8 } });
  const flood = Array.from({ length: 200 }, (_, at) => {
    const stranger = knockPlainly(a);
    if (at % 2 === 0) stranger.socket.write("garbage of some length, again and again");
    return stranger;
  });
  const b = await startPeer(bob);
  a.peers.setRoster([b.address]);
  b.peers.setRoster([a.address]);
  await eventually(() => a.connected.length === 1 && b.connected.length === 1);

  // Those who said nothing wrong made room for later ones, all but the last few.
  await eventually(() => a.rejected("crowded") + a.rejected("garbage") >= 192);

  // Nor does it displace a member that is in.
  const second = Array.from({ length: 20 }, () => knockPlainly(a));
  await Promise.all(second.slice(0, 12).map(({ closed }) => closed));
  b.peers.send(a.boot, { kind: "confidence", term: term(1) });
  await eventually(() => a.messages.length === 1);
  expect([...a.disconnected, ...b.disconnected]).toEqual([]);
  for (const { socket } of [...flood, ...second]) socket.destroy();
});

test("a flood of rejections fills the metrics, not the log", async () => {
  const { a, key } = await aliceKnowingBob();
  for (let round = 1; round <= 20; round += 1) {
    const { socket, closed } = knockAs(a, key);
    socket.write(helloOf(proofOf(carol, key)));
    await closed;
  }
  expect(a.rejected("not-a-member")).toBe(20);
  expect(a.lines.filter(({ level }) => level === "warn").length).toBeLessThanOrEqual(2);
});
