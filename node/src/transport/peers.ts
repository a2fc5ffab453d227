/**
 * The peer channel: attested members, and no one else, exchange messages.
 *
 * Each member dials every other and says all it has to say over its own connection; the other side
 * answers there and speaks over its own. A boot is addressed by its key: a member may have two live
 * boots (a clone), and a message meant for one never reaches the other.
 *
 * **Safety assumes** that TLS 1.3 holds and that `verify` is right (see door.ts).
 * **Liveness assumes** that a member reaches the endpoints that the contract lists.
 */
import type { Boot, BootKey, Digest, MemberId } from "../consensus/ids.ts";
import type { Message } from "../consensus/message.ts";
import type { ProveBoot, VerifyBoot } from "../runtime/attestation.ts";
import type {
  Count,
  Log,
  PeerAddress,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  Peers,
} from "../runtime/ports.ts";
import type { Channel } from "./channel.ts";
import { type Context, sweepsPerSilence } from "./context.ts";
import { type Cluster, createDoor } from "./door.ts";
import type { BootIdentity } from "./identity.ts";
import { createInbound, type Inbound } from "./inbound.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { listen } from "./listener.ts";
import { createOutbound, type Outbound } from "./outbound.ts";
import { createRejections } from "./rejections.ts";
import { unreachable } from "./requests.ts";

export type PeersOptions = {
  readonly identity: BootIdentity;
  readonly cluster: Cluster;
  readonly self: MemberId;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly digest: Digest;
  readonly prove: ProveBoot;
  readonly verify: VerifyBoot;
  /** None is called before `openPeers` resolves or after `close` was called. */
  readonly events: PeerEvents;
  readonly log: Log;
  /** peer_rejected_total{reason}, peer_dropped_total{reason}. */
  readonly count: Count;
  readonly limits?: Partial<Limits>;
};

/**
 * Opens the peer channel; nobody is dialled or let in until `setRoster`.
 *
 * @returns with the port, for who asked for any
 * @throws Error when `host:port` cannot be listened on
 */
export async function openPeers(options: PeersOptions): Promise<Peers & { readonly port: number }> {
  const { self, count } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const outbounds = new Map<MemberId, Outbound>();
  let closing = false;
  const isListed = (member: MemberId): boolean => outbounds.has(member);
  const context = createContext(options, { limits, isListed, isClosing: () => closing });
  const inbound = createInbound(context);

  const listener = await listen({ ...options, ...context, onVerified });
  const sweeper = setInterval(sweep, limits.silenceMs / sweepsPerSilence);

  function onVerified(boot: Boot, channel: Channel): void {
    // It may have left while this boot's own proof was being made.
    if (!isListed(boot.member)) {
      channel.destroy();
      return;
    }
    inbound.accept(boot, channel);
    outbounds.get(boot.member)?.nudge();
  }

  function setRoster(addresses: readonly PeerAddress[]): void {
    if (closing) return;
    const wanted = new Map(addresses.map((address) => [address.member, address]));
    wanted.delete(self);
    for (const [member, outbound] of outbounds) {
      if (wanted.get(member)?.peerEndpoint === outbound.address.peerEndpoint) continue;
      outbounds.delete(member);
      outbound.destroy();
    }
    for (const [member, address] of wanted) {
      if (!outbounds.has(member)) outbounds.set(member, createOutbound(address, context));
    }
    inbound.keepOnly(({ member }) => isListed(member));
  }

  function send(to: Boot, message: Message): void {
    const outbound = outbounds.get(to.member);
    const dropped = outbound === undefined ? "no-channel" : outbound.send(to, message);
    if (dropped !== null) count("peer_dropped_total", { reason: dropped });
  }

  function request(to: Boot, what: PeerRequest, timeoutMs: number): Promise<PeerResponse> {
    const outbound = outbounds.get(to.member);
    return outbound?.request(to, what, timeoutMs) ?? Promise.reject(notOnRoster(to.member));
  }

  function sweep(): void {
    inbound.sweep();
    for (const outbound of outbounds.values()) outbound.sweep();
  }

  async function close(): Promise<void> {
    closing = true;
    clearInterval(sweeper);
    listener.close();
    await Promise.all([
      inbound.end(),
      ...[...outbounds.values()].map((outbound) => outbound.end()),
    ]);
  }

  const drop = (bootKeys: readonly BootKey[]) => dropBoots(bootKeys, inbound, outbounds);
  return { port: listener.port, setRoster, drop, send, request, close };
}

function dropBoots(
  bootKeys: readonly BootKey[],
  inbound: Inbound,
  outbounds: ReadonlyMap<MemberId, Outbound>,
): void {
  const isDropped = ({ bootKey }: Boot) => bootKeys.includes(bootKey);
  inbound.keepOnly((boot) => !isDropped(boot));
  for (const outbound of outbounds.values()) outbound.drop(isDropped);
}

const notOnRoster = (member: MemberId) => unreachable(member, "it is not on the roster");

function createContext(
  options: PeersOptions,
  state: {
    readonly limits: Limits;
    readonly isListed: (member: MemberId) => boolean;
    readonly isClosing: () => boolean;
  },
): Context {
  const { identity, digest, prove, verify, events, log, count } = options;
  const { limits, isListed, isClosing } = state;
  const cluster = { ...options.cluster, contract: options.cluster.contract.toLowerCase() };
  const unavailable: PeerResponse = {
    kind: "failed",
    fault: { code: "node.unavailable", reason: "the node is stopping" },
  };
  return {
    identity,
    limits,
    digest,
    door: createDoor({ ...limits, cluster, digest, isListed, prove, verify }),
    rejections: createRejections(log, count, () => performance.now()),
    events: {
      connected: (boot) => isClosing() || events.connected(boot),
      disconnected: (boot) => isClosing() || events.disconnected(boot),
      message: (from, message) => isClosing() || events.message(from, message),
      request: async (from, request) =>
        isClosing() ? unavailable : await events.request(from, request),
    },
  };
}
