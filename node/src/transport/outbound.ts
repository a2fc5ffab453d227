/** All that is said to one member, and its answers. */
import type { Boot } from "../consensus/ids.ts";
import type { Message } from "../consensus/message.ts";
import type { PeerAddress, PeerRequest, PeerResponse } from "../runtime/ports.ts";
import type { Channel } from "./channel.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { type Context, sweepsPerSilence } from "./context.ts";
import { keepDialling } from "./dialler.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { createRequests, type Requests, unreachable } from "./requests.ts";
import type { Drop } from "./writer.ts";

export type Outbound = {
  readonly address: PeerAddress;
  /** `null` when the message was taken. */
  send(to: Boot, message: Message): Drop | null;
  /** @throws PeerError */
  request(to: Boot, request: PeerRequest, timeoutMs: number): Promise<PeerResponse>;
  /** The member shows signs of life: dial now if it is not connected. */
  nudge(): void;
  /** Asks for a sign of life; gives the channel up when there was none for too long. */
  sweep(): void;
  /** Ends the channel if it leads to such a boot; goes on dialling, for another may come. */
  drop(isDropped: (boot: Boot) => boolean): void;
  /** Lets what is buffered leave, and dials no more. */
  end(): Promise<void>;
  destroy(): void;
};

type Live = { readonly boot: Boot; readonly channel: Channel; readonly requests: Requests };

export function createOutbound(address: PeerAddress, context: Context): Outbound {
  const { events, limits, rejections } = context;
  let live: Live | null = null;
  const dialler = keepDialling({ ...context, address, onUp, onDown: down });

  function onUp(boot: Boot, channel: Channel): void {
    const requests = createRequests(boot.member, limits.requestsMax, channel.send);
    channel.listen((body) => onFrame(body, requests, context));
    live = { boot, channel, requests };
    events.connected(boot);
  }

  function down(): void {
    if (live === null) return;
    const { boot, requests } = live;
    live = null;
    requests.abandon();
    events.disconnected(boot);
  }

  const liveAs = (to: Boot): Live | null => (live?.boot.bootKey === to.bootKey ? live : null);

  function request(to: Boot, what: PeerRequest, timeoutMs: number): Promise<PeerResponse> {
    const requests = liveAs(to)?.requests;
    if (requests === undefined) return Promise.reject(unreachable(to.member, "no-channel"));
    return requests.ask(what, timeoutMs);
  }

  function sweep(): void {
    if (live === null) return;
    if (live.channel.countSilence() > sweepsPerSilence) {
      const reason = `nothing heard for ${limits.silenceMs} ms`;
      rejections.failed("keeping a channel", address.peerEndpoint, reason);
      live.channel.destroy();
      return;
    }
    live.channel.send(encodeFrame({ kind: "ping" }));
  }

  return {
    address,
    send: (to, message) => {
      const channel = liveAs(to)?.channel;
      if (channel === undefined) return "no-channel";
      return channel.send(encodeFrame({ kind: "message", message }));
    },
    request,
    nudge: dialler.nudge,
    sweep,
    drop: (isDropped) => {
      if (live === null || !isDropped(live.boot)) return;
      live.channel.destroy();
      down();
    },
    end: async () => {
      dialler.stop();
      await live?.channel.end();
    },
    destroy: () => {
      dialler.stop();
      live?.channel.destroy();
      // Now, not when the socket has closed: the next channel to this member may be up by then.
      down();
    },
  };
}

function onFrame(body: Uint8Array, requests: Requests, { digest }: Context): Rejection | null {
  const frame = decodeFrame(body, digest);
  if (frame.kind === "rejection") return frame;
  if (frame.kind === "response") requests.answer(frame.id, frame.response);
  else if (frame.kind !== "pong") {
    return rejection("garbage", `a ${frame.kind} where only responses are expected`);
  }
  return null;
}
