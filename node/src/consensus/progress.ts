/** What a leader knows of one follower boot: how it begins, and how it is forgotten. */
import type { BootKey } from "./ids.ts";
import type { Peer, Progress, Replica } from "./replica.ts";

/** Begins with a guess that fits a follower which is up to date. */
export function freshProgress(replica: Replica, { boot, report }: Peer): Progress {
  return {
    boot,
    status: report?.status ?? "recovering",
    matchIndex: 0,
    nextIndex: replica.log.last.index + 1,
    mode: "stream",
    round: 0,
    inFlight: [],
    sentMs: replica.nowMs,
    ackedMs: Number.NEGATIVE_INFINITY,
    transfer: null,
  };
}

/** A boot that lost its channel may return with another log position: it starts over. */
export function dropProgress(replica: Replica, key: BootKey): Replica {
  const { office } = replica;
  if (office === null || !office.progress.has(key)) return replica;
  const progress = new Map(office.progress);
  progress.delete(key);
  return { ...replica, office: { ...office, progress } };
}
