/** Whoever reaches the peer port, and members that went mad: real sockets, real TLS. */
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { encodeFrame } from "../../../node/src/transport/codec.ts";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import type { RejectionReason } from "../../../node/src/transport/rejection.ts";
import { messages } from "../../node/transport/samples.ts";
import { ecdsaIdentity, helloOf, knock, knockAs, nowhere } from "../../node/transport/stranger.ts";
import {
  alice,
  appraisal,
  bob,
  eventually,
  proofOf,
  startPeer,
} from "../../node/transport/support.ts";
import { harm, harms } from "../support/harm.ts";
import { runs, withinMs } from "../support/runs.ts";

type Peer = Awaited<ReturnType<typeof startPeer>>;

const reasons: readonly RejectionReason[] = [
  ...(["garbage", "oversized", "certificate", "cluster", "replay", "not-a-member"] as const),
  ...(["wrong-member", "proof", "protocol-version", "timeout", "crowded"] as const),
];
const rejectedBy = ({ rejected }: Peer): number =>
  reasons.reduce((total, reason) => total + rejected(reason), 0);

const confidence = encodeFrame({ kind: "message", message: { kind: "confidence", term: term(1) } });
const ping = encodeFrame({ kind: "ping" });

/** Alice, who knows bob; only bob's own proof, as it is, verifies. */
async function aliceKnowingBob() {
  const key = await createBootIdentity();
  const honest = JSON.stringify(proofOf(bob, key));
  const a = await startPeer(alice, {
    limits: { helloMs: 300, silenceMs: 400 },
    verify: async (proof) => {
      if (JSON.stringify(proof) !== honest) throw new Error("no quote of bob's");
      return appraisal;
    },
  });
  a.peers.setRoster([nowhere(bob)]);
  return { a, key, hello: helloOf(proofOf(bob, key)) };
}

async function expectBobIsHeard(a: Peer, key: Awaited<ReturnType<typeof createBootIdentity>>) {
  const before = a.messages.length;
  const { socket, heard } = knockAs(a, key);
  socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => heard().length > 0);
  socket.write(confidence);
  await eventually(() => a.messages.length > before);
  socket.destroy();
}

const garbage = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.constantFrom(
    ...[
      [0, 0, 0, 0],
      [255, 255, 255, 255],
      [0, 2, 0, 1],
      [0, 0, 0, 2, 0, 9],
      [0, 0, 0, 1, 0],
    ].map((bytes) => Uint8Array.from(bytes)),
    new Uint8Array(Buffer.from("GET / HTTP/1.1\r\nhost: node\r\n\r\n")),
    // The beginning of a TLS handshake, without its end.
    Uint8Array.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]),
    Uint8Array.from([21, 3, 3, 0, 2, 2, 40]),
  ),
);

test(
  "no stranger gets in, whatever it says, and each is counted once",
  async () => {
    const { a, key, hello } = await aliceKnowingBob();
    const other = ecdsaIdentity();
    const strangers = fc.oneof(
      fc.record({ how: fc.constant("plain"), says: garbage }),
      fc.record({ how: fc.constant("bare"), says: garbage }),
      fc.record({ how: fc.constant("ecdsa"), says: fc.constant(hello) }),
      fc.record({ how: fc.constant("tls"), says: garbage }),
      fc.record({
        how: fc.constant("tls"),
        says: fc
          .array(harms, { minLength: 1, maxLength: 2 })
          .map((each) => each.reduce(harm, hello))
          // What follows an intact hello is bob's own business.
          .filter(
            (bytes) =>
              bytes.length > 0 && !Buffer.from(bytes).subarray(0, hello.length).equals(hello),
          ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(strangers, { minLength: 1, maxLength: 12 }), async (all) => {
        const before = rejectedBy(a);
        await Promise.all(
          all.map(({ how, says }) => {
            if (how === "plain") return plainly(a.peers.port, says);
            const knocked =
              how === "bare"
                ? knock(a, { rejectUnauthorized: false })
                : knockAs(a, how === "ecdsa" ? other : key);
            knocked.socket.write(says);
            return knocked.closed;
          }),
        );
        await eventually(() => rejectedBy(a) - before >= all.length);
        expect(rejectedBy(a) - before).toBe(all.length);
        expect(a.messages).toEqual([]);
      }),
      runs(15),
    );
    await expectBobIsHeard(a, key);
  },
  withinMs(60_000),
);

test(
  "a verified member's mangled frames are heard as frames or end its channel, counted",
  async () => {
    const { a, key, hello } = await aliceKnowingBob();
    const stream = fc
      .array(
        fc.oneof(
          messages.map((message) => encodeFrame({ kind: "message", message })),
          garbage,
        ),
        {
          minLength: 1,
          maxLength: 5,
        },
      )
      .chain((all) =>
        fc
          .array(harms, { minLength: 1, maxLength: 3 })
          .map((each) => each.reduce(harm, Buffer.concat(all))),
      );
    await fc.assert(
      fc.asyncProperty(stream, async (bytes) => {
        const before = rejectedBy(a);
        const { socket, heard, closed } = knockAs(a, key);
        socket.write(hello);
        await eventually(() => heard().length > 0);
        const greeting = heard().length;
        socket.write(bytes);
        socket.write(ping);
        let isClosed = false;
        void closed.then(() => {
          isClosed = true;
        });
        await eventually(() => isClosed || heard().length > greeting);
        // Half a frame is ended for its silence, which is nobody's fault; all else is counted.
        expect(rejectedBy(a) - before).toBeLessThanOrEqual(1);
        socket.destroy();
        await closed;
      }),
      runs(40),
    );
    await expectBobIsHeard(a, key);
    expect(a.lines.filter(({ level }) => level === "error")).toEqual([]);
  },
  withinMs(60_000),
);

function plainly(port: number, says: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: "127.0.0.1" }, () => socket.write(says));
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => resolve());
  });
}
