/** What is refused before anyone says hello. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { createBootIdentity, tlsOptions } from "../../../node/src/transport/identity.ts";
import { ecdsaIdentity, helloOf, knock, knockAs, knockPlainly, nowhere } from "./stranger.ts";
import { alice, bob, eventually, proofOf, startPeer } from "./support.ts";

async function aliceKnowingBob() {
  const a = await startPeer(alice);
  a.peers.setRoster([nowhere(bob)]);
  return { a, key: await createBootIdentity() };
}

test("a client without a certificate is refused", async () => {
  const { a } = await aliceKnowingBob();
  await knock(a, { rejectUnauthorized: false }).closed;
  expect(a.rejected("certificate")).toBe(1);
});

test("a certificate whose key is not Ed25519 is refused", async () => {
  const { a } = await aliceKnowingBob();
  await knockAs(a, ecdsaIdentity()).closed;
  expect(a.rejected("certificate")).toBe(1);
});

test("a TLS 1.2 client is refused", async () => {
  const { a, key } = await aliceKnowingBob();
  const old = { ...tlsOptions(key), minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
  await knock(a, old).closed;
  await eventually(() => a.rejected("protocol-version") === 1);
});

test("no TLS session is resumed", async () => {
  const { a, key } = await aliceKnowingBob();
  const first = knockAs(a, key);
  const sessions: Buffer[] = [];
  first.socket.on("session", (session) => sessions.push(session));
  first.socket.write(helloOf(proofOf(bob, key)));
  await eventually(() => first.heard().length > 0);

  for (const session of sessions) {
    const again = connect({ port: a.peers.port, host: "127.0.0.1", session, ...tlsOptions(key) });
    await new Promise((resolve) => again.once("secureConnect", resolve));
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  }
});

test("bytes that are not TLS are refused", async () => {
  const { a } = await aliceKnowingBob();
  const { socket, closed } = knockPlainly(a);
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await closed;
  await eventually(() => a.rejected("garbage") === 1);
});

test("bytes changed on the way end the channel at once, for TLS cannot read them", async () => {
  const a = await startPeer(alice, { limits: { silenceMs: 600_000 } });
  a.peers.setRoster([nowhere(bob)]);
  const key = await createBootIdentity();
  const plain = knockPlainly(a);
  const secured = connect({ socket: plain.socket, ...tlsOptions(key) });
  secured.on("error", () => undefined);
  secured.write(helloOf(proofOf(bob, key)));
  await once(secured, "data");
  const record = Buffer.of(0x17, 0x03, 0x03, 0x00, 0x20);
  plain.socket.write(Buffer.concat([record, Buffer.alloc(32)]));
  await plain.closed;
  await eventually(() => a.rejected("garbage") === 1);
  const detail = "TLS: ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC";
  expect(a.lines.map(({ fields }) => fields)).toContainEqual(expect.objectContaining({ detail }));
});

test("a member dialled by its host's name is asked for by that name, as a gateway needs", async () => {
  const names: (string | false | null)[] = [];
  const gateway = createServer(tlsOptions(await createBootIdentity()), (socket) => {
    names.push(socket.servername);
    socket.destroy();
  });
  gateway.listen(0, "127.0.0.1");
  await once(gateway, "listening");
  onTestFinished(() => void gateway.close());
  const { port } = gateway.address() as AddressInfo;

  const a = await startPeer(alice);
  a.peers.setRoster([{ member: bob, peerEndpoint: `localhost:${port}` }]);
  await eventually(() => names.length > 0);
  expect(names[0]).toBe("localhost");
});
