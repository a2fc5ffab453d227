/**
 * The server's side: strangers come in here, and leave unless they prove to be a member's boot.
 *
 * A stranger gets a TLS handshake, one hello of bounded size and bounded time, and nothing from us
 * until both were in order. However many there are, only `strangersMax` are held at once.
 */
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Boot } from "../consensus/ids.ts";
import { type Channel, openChannel } from "./channel.ts";
import type { Door } from "./door.ts";
import { type BootIdentity, keyOfCertificate, tlsOptions } from "./identity.ts";
import type { Limits } from "./limits.ts";
import { rejection } from "./rejection.ts";
import type { Rejections } from "./rejections.ts";

export type Listener = { readonly port: number; close(): void };

export type ListenerOptions = {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly identity: BootIdentity;
  readonly limits: Limits;
  readonly door: Door;
  readonly rejections: Rejections;
  /** The boot is verified; its first message may be among the next bytes. */
  readonly onVerified: (boot: Boot, channel: Channel) => void;
};

/** @throws Error when the address cannot be listened on */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { host, port, limits, rejections } = options;
  const strangers = new Map<string, Socket>();
  const tls = createTlsServer({
    ...tlsOptions(options.identity),
    handshakeTimeout: limits.helloMs,
  });

  // TCP connections are counted before TLS costs anything.
  const gate = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const name = nameOf(socket);
    strangers.set(name, socket);
    socket.on("error", () => {});
    socket.on("close", () => strangers.delete(name));
    if (strangers.size > limits.strangersMax) makeRoom(strangers, rejections);
    tls.emit("connection", socket);
  });
  tls.on("secureConnection", (socket) => {
    void receive(socket, options, () => strangers.delete(nameOf(socket)));
  });
  tls.on("tlsClientError", (error, socket) => {
    onHandshakeFailed(error, socket.remoteAddress ?? "?", rejections);
    socket.destroy();
  });

  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Also later: accepting fails when the process has run out of file descriptors.
  gate.on("error", (error) => {
    rejections.failed("listening for peers", `${host}:${port}`, error.message);
    reject(new Error(`cannot listen for peers on ${host}:${port}`, { cause: error }));
  });
  gate.listen({ host, port }, resolve);
  await promise;
  const address = gate.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () => {
      gate.close();
      for (const socket of strangers.values()) socket.destroy();
    },
  };
}

async function receive(
  socket: TLSSocket,
  { limits, door, rejections, onVerified }: ListenerOptions,
  onAdmitted: () => void,
): Promise<void> {
  const address = socket.remoteAddress ?? "?";
  const channel = openChannel(socket, limits, (why) => rejections.reject(address, why));
  const key = keyOfCertificate(socket.getPeerX509Certificate());
  if (key === null) {
    channel.reject(rejection("certificate", "none with an Ed25519 key was presented"));
    return;
  }
  const body = await channel.first;
  if (body === null) return;
  const boot = await door.admit(body, key, null);
  if ("kind" in boot) {
    channel.reject(boot);
    return;
  }
  const hello = await door.hello().catch(String);
  if (typeof hello === "string") {
    rejections.failed("proving this boot to a peer", address, hello);
    channel.destroy();
    return;
  }
  if (socket.destroyed) return;
  onAdmitted();
  onVerified(boot, channel);
  channel.send(hello);
}

/** Drops the oldest connection of whoever holds the most: a flood displaces itself. */
function makeRoom(strangers: Map<string, Socket>, rejections: Rejections): void {
  const held = new Map<string, string[]>();
  for (const [name, socket] of strangers) {
    const address = socket.remoteAddress ?? "?";
    held.set(address, [...(held.get(address) ?? []), name]);
  }
  const [most] = [...held].sort(([, a], [, b]) => b.length - a.length);
  const oldest = most?.[1][0];
  if (most === undefined || oldest === undefined) return;
  rejections.reject(most[0], rejection("crowded", "too many unverified connections"));
  strangers.get(oldest)?.destroy();
  strangers.delete(oldest);
}

function onHandshakeFailed(error: Error, address: string, rejections: Rejections): void {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
  // Whoever hangs up without a word has done nothing wrong.
  if (code === "ECONNRESET" || code === "EPIPE") return;
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") {
    rejections.reject(address, rejection("timeout", "no TLS handshake in time"));
  } else if (code.includes("UNSUPPORTED_PROTOCOL") || code.includes("PROTOCOL_VERSION")) {
    rejections.reject(address, rejection("protocol-version", "TLS 1.3 is expected"));
  } else {
    rejections.reject(address, rejection("garbage", `TLS handshake: ${code}`));
  }
}

const nameOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;
