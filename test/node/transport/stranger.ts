/** Others on the network: someone with a TLS client, and a member that does as it is told. */
import { generateKeyPairSync } from "node:crypto";
import { connect as connectPlain, type Socket } from "node:net";
import { type ConnectionOptions, connect, createServer, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import { bootKey, type MemberId } from "../../../node/src/consensus/ids.ts";
import type { BootProof } from "../../../node/src/runtime/attestation.ts";
import type { PeerAddress } from "../../../node/src/runtime/ports.ts";
import { encodeFrame } from "../../../node/src/transport/codec.ts";
import {
  type BootIdentity,
  certify,
  createBootIdentity,
  tlsOptions,
} from "../../../node/src/transport/identity.ts";
import { cluster, proofOf, type TestPeer } from "./support.ts";

export type Stranger<S> = {
  readonly socket: S;
  /** Resolves once the connection has ended. */
  readonly closed: Promise<void>;
  /** All bytes that came. */
  heard(): Buffer;
};

export function knock(target: TestPeer, options: ConnectionOptions): Stranger<TLSSocket> {
  return watched(connect({ host: "127.0.0.1", port: target.peers.port, ...options }));
}

export const knockAs = (target: TestPeer, identity: BootIdentity): Stranger<TLSSocket> =>
  knock(target, tlsOptions(identity));

export const knockPlainly = (target: TestPeer): Stranger<Socket> =>
  watched(connectPlain({ host: "127.0.0.1", port: target.peers.port }));

function watched<S extends Socket>(socket: S): Stranger<S> {
  const chunks: Buffer[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => resolve());
  onTestFinished(() => {
    socket.destroy();
  });
  return { socket, closed, heard: () => Buffer.concat(chunks) };
}

export const helloOf = (proof: BootProof, changed: Partial<typeof cluster> = {}): Uint8Array =>
  encodeFrame({ kind: "hello", ...cluster, ...changed, proof });

/** An address of which nobody answers. */
export const nowhere = (member: MemberId): PeerAddress => ({
  member,
  peerEndpoint: "127.0.0.1:1",
});

/** An identity whose key is not Ed25519. */
export function ecdsaIdentity(): BootIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { bootKey: bootKey("00"), certificate: certify(publicKey, privateKey), privateKey };
}

/**
 * A member's server that greets whoever comes and then does what it is told.
 *
 * @param then called with the socket once the greeting is out
 */
export async function startPuppet(
  member: MemberId,
  then: (socket: TLSSocket) => void,
  identity?: BootIdentity,
) {
  const own = identity ?? (await createBootIdentity());
  const sockets = new Set<TLSSocket>();
  const server = createServer(tlsOptions(own), (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.write(helloOf(proofOf(member, own)), () => then(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const listening = server.address();
  const port = typeof listening === "object" && listening !== null ? listening.port : 0;
  const address: PeerAddress = { member, peerEndpoint: `127.0.0.1:${port}` };
  return { boot: { member, bootKey: own.bootKey }, address };
}
