/** Requests that wait for their response on one channel. */
import type { MemberId } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { PeerFault, PeerRequest, PeerResponse } from "../runtime/ports.ts";
import { encodeFrame } from "./codec.ts";
import type { Drop } from "./writer.ts";

export class PeerError extends ClusterError<PeerFault> {}

export type Requests = {
  ask(request: PeerRequest, timeoutMs: number): Promise<PeerResponse>;
  /** A response came; one that nobody waits for any longer is ignored. */
  answer(id: number, response: PeerResponse): void;
  /** The channel is gone: whoever waits cannot know what became of the request. */
  abandon(): void;
};

type Waiting = {
  readonly resolve: (response: PeerResponse) => void;
  readonly reject: (error: PeerError) => void;
  readonly timer: NodeJS.Timeout;
};

export function createRequests(
  member: MemberId,
  requestsMax: number,
  send: (frame: Uint8Array) => Drop | null,
): Requests {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  function ask(request: PeerRequest, timeoutMs: number): Promise<PeerResponse> {
    lastId += 1;
    const id = lastId;
    const dropped =
      waiting.size < requestsMax
        ? send(encodeFrame({ kind: "request", id, request }))
        : "queue-full";
    if (dropped !== null) return Promise.reject(unreachable(member, dropped));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(timedOut(member, timeoutMs));
      }, timeoutMs);
      waiting.set(id, { resolve, reject, timer });
    });
  }

  function take(id: number): Waiting | undefined {
    const found = waiting.get(id);
    if (found !== undefined) clearTimeout(found.timer);
    waiting.delete(id);
    return found;
  }

  return {
    ask,
    answer: (id, response) => take(id)?.resolve(response),
    abandon: () => {
      for (const id of [...waiting.keys()]) take(id)?.reject(lost(member));
    },
  };
}

/** Definite: nothing was sent. */
export function unreachable(member: MemberId, why: string): PeerError {
  return new PeerError(
    { code: "peer.unreachable", member },
    `member ${member} cannot be asked: ${why}`,
  );
}

function lost(member: MemberId): PeerError {
  return new PeerError(
    { code: "peer.lost", member },
    `the channel to member ${member} ended before it answered`,
  );
}

function timedOut(member: MemberId, waitedMs: number): PeerError {
  return new PeerError(
    { code: "peer.timeout", waitedMs },
    `member ${member} did not answer within ${waitedMs} ms`,
  );
}
