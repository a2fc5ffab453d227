/** All that members say to this boot: at most one channel a boot, a few boots a member. */
import type { Boot, BootKey } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { PeerRequest, PeerResponse } from "../runtime/ports.ts";
import type { Channel } from "./channel.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { type Context, sweepsPerSilence } from "./context.ts";
import { faultSchema } from "./header.ts";
import { type Rejection, rejection } from "./rejection.ts";

export type Inbound = {
  /** A verified boot came; what it says is delivered from now on. */
  accept(boot: Boot, channel: Channel): void;
  /** Ends the channels of the others. */
  keepOnly(isWanted: (boot: Boot) => boolean): void;
  sweep(): void;
  /** Lets what is buffered leave. */
  end(): Promise<void>;
};

type Guest = { readonly boot: Boot; readonly channel: Channel };

export function createInbound(context: Context): Inbound {
  const { limits, rejections } = context;
  /** In order of arrival. */
  const guests = new Map<BootKey, Guest>();

  function accept(boot: Boot, channel: Channel): void {
    // A boot has one dialler: if it dials again, its former channel is dead.
    guests.get(boot.bootKey)?.channel.destroy();
    guests.delete(boot.bootKey);
    const siblings = [...guests.values()].filter((guest) => guest.boot.member === boot.member);
    if (siblings.length >= limits.bootsPerMemberMax) siblings[0]?.channel.destroy();

    const guest = { boot, channel };
    guests.set(boot.bootKey, guest);
    channel.listen(createGuestListener(guest, context));
    void channel.closed.then(() => {
      if (guests.get(boot.bootKey) === guest) guests.delete(boot.bootKey);
    });
  }

  function sweep(): void {
    for (const { boot, channel } of guests.values()) {
      // Who dials sends a ping every sweep.
      if (channel.countSilence() <= sweepsPerSilence) continue;
      const reason = `nothing heard for ${limits.silenceMs} ms`;
      rejections.failed("keeping a channel", boot.member, reason);
      channel.destroy();
    }
  }

  return {
    accept,
    keepOnly: (isWanted) => {
      for (const { boot, channel } of guests.values()) {
        if (!isWanted(boot)) channel.destroy();
      }
    },
    sweep,
    end: async () => {
      await Promise.all([...guests.values()].map(({ channel }) => channel.end()));
    },
  };
}

function createGuestListener(
  { boot, channel }: Guest,
  { digest, events, limits, rejections }: Context,
): (body: Uint8Array) => Rejection | null {
  let unanswered = 0;

  async function answer(id: number, request: PeerRequest): Promise<void> {
    if (unanswered >= limits.requestsMax) {
      respond(id, { kind: "failed", fault: { code: "overloaded", retryAfterMs: 1_000 } });
      return;
    }
    unanswered += 1;
    try {
      respond(id, await events.request(boot, request));
    } catch (error) {
      respond(id, failed(error));
      rejections.failed("answering a peer", boot.member, String(error));
    } finally {
      unanswered -= 1;
    }
  }

  function respond(id: number, response: PeerResponse): void {
    // When it is dropped, whoever asked waits for its timeout and then knows that it knows nothing.
    channel.send(encodeFrame({ kind: "response", id, response }));
  }

  return (body) => {
    const frame = decodeFrame(body, digest);
    switch (frame.kind) {
      case "rejection":
        return frame;
      case "message":
        events.message(boot, frame.message);
        return null;
      case "request":
        void answer(frame.id, frame.request);
        return null;
      case "ping":
        channel.send(encodeFrame({ kind: "pong" }));
        return null;
      case "hello":
      case "response":
      case "pong":
        return rejection("garbage", `a ${frame.kind} where messages and requests are expected`);
      default:
        return frame satisfies never;
    }
  };
}

/** A fault that clients know passes as it is; of anything else one cannot tell what was done. */
function failed(error: unknown): PeerResponse {
  const known = faultSchema.safeParse(error instanceof ClusterError ? error.fault : null);
  return { kind: "failed", fault: known.success ? known.data : { code: "leader.lost" } };
}
