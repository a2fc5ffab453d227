/** The client's side: keeps one channel to one member, for all that is said to it. */
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { Boot, BootKey } from "../consensus/ids.ts";
import type { PeerAddress } from "../runtime/ports.ts";
import { type Channel, openChannel } from "./channel.ts";
import type { Door } from "./door.ts";
import { type BootIdentity, keyOfCertificate, tlsOptions } from "./identity.ts";
import type { Limits } from "./limits.ts";
import { rejection } from "./rejection.ts";
import type { Rejections } from "./rejections.ts";

export type Dialler = {
  /** The member shows signs of life: dial now if it is not connected. */
  nudge(): void;
  /** Dials no more. A channel that is up is left to its user. */
  stop(): void;
};

export type DiallerOptions = {
  readonly address: PeerAddress;
  readonly identity: BootIdentity;
  readonly limits: Limits;
  readonly door: Door;
  readonly rejections: Rejections;
  /** Both sides are verified. */
  readonly onUp: (boot: Boot, channel: Channel) => void;
  readonly onDown: () => void;
};

/** A channel that ends sooner than this was no success: the back-off goes on. */
const steadyMs = 1_000;

export function keepDialling(options: DiallerOptions): Dialler {
  const { address, limits, rejections } = options;
  const target = parseEndpoint(address.peerEndpoint);
  const closing = new AbortController();
  let wake = () => {};

  async function dialForever(host: string, port: number): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      const begunMs = performance.now();
      const reason = await dial({ host, port }, options, closing.signal);
      if (closing.signal.aborted) return;
      if (reason !== null) rejections.failed("dialling a peer", address.peerEndpoint, reason);
      const held = reason === null && performance.now() - begunMs > steadyMs;
      failures = held ? 0 : failures + 1;
      await pause(backOffMs(failures, limits));
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  if (target === null) {
    rejections.failed("dialling a peer", address.peerEndpoint, "host:port was expected");
  } else {
    void dialForever(target.host, target.port);
  }
  return {
    nudge: () => wake(),
    stop: () => {
      closing.abort();
      wake();
    },
  };
}

type Target = { readonly host: string; readonly port: number };

/** Resolves when the channel is gone: `null`, or why it never came to be. */
async function dial(
  target: Target,
  { address, identity, limits, door, rejections, onUp, onDown }: DiallerOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const hello = await door.hello().catch(String);
  if (typeof hello === "string") return hello;
  if (signal.aborted) return null;
  // A gateway that passes TLS through finds the machine by this name; an address has none.
  const named = isIP(target.host) === 0 ? { servername: target.host } : {};
  const socket = connect({ ...target, ...named, ...tlsOptions(identity) });
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const failure = await secured(socket, limits);
    if (failure !== null) return failure;
    const channel = openChannel(
      socket,
      { ...limits, helloMs: limits.helloMs + limits.verifyMs },
      (why) => rejections.reject(address.peerEndpoint, why),
    );
    channel.send(hello);
    const boot = await meet(socket, channel, { address, door });
    if (boot === null) return "the peer did not answer with an acceptable hello";
    signal.removeEventListener("abort", abort);
    onUp(boot, channel);
    await channel.closed;
    onDown();
    return null;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

async function meet(
  socket: TLSSocket,
  channel: Channel,
  { address, door }: Pick<DiallerOptions, "address" | "door">,
): Promise<Boot | null> {
  const key: BootKey | null = keyOfCertificate(socket.getPeerX509Certificate());
  if (key === null) {
    channel.reject(rejection("certificate", "none with an Ed25519 key was presented"));
    return null;
  }
  const body = await channel.first;
  if (body === null) return null;
  const boot = await door.admit(body, key, address.member);
  if ("kind" in boot) {
    channel.reject(boot);
    return null;
  }
  return socket.destroyed ? null : boot;
}

/** `null` once the handshake is done, or why it failed. */
function secured(
  socket: TLSSocket,
  { connectMs, helloMs }: Pick<Limits, "connectMs" | "helloMs">,
): Promise<string | null> {
  return new Promise((resolve) => {
    const giveUp = (what: string, ms: number) =>
      setTimeout(() => resolve(`no ${what} within ${ms} ms`), ms);
    let timer = giveUp("connection", connectMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      timer = giveUp("TLS handshake", helloMs);
    });
    const settle = (reason: string | null) => {
      clearTimeout(timer);
      resolve(reason);
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.once("secureConnect", () => settle(null));
    socket.on("error", (error) => settle(error.message));
    socket.once("close", () => settle("the connection was closed"));
  });
}

/** Half of the delay is random: members that lost a peer together do not return together. */
function backOffMs(failures: number, { redialMsMin, redialMsMax }: Limits): number {
  const ms = Math.min(redialMsMax, redialMsMin * 2 ** Math.min(failures, 16));
  return ms / 2 + (Math.random() * ms) / 2;
}

/** `host:port`, an IPv6 address in brackets. */
function parseEndpoint(endpoint: string): Target | null {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(endpoint) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}
