/**
 * Linearizable reads: the leader notes its commit index and confirms by one round of acks that it
 * still leads. Never a clock lease. Reads that arrive during a round share the next one.
 */
import type { MemberId } from "./ids.ts";
import type { Read } from "./input.ts";
import { isQuorumOfEach } from "./quorum.ts";
import { andThen, emit, type Office, type Replica, type Step, stay } from "./replica.ts";
import { broadcast, counts } from "./replicate.ts";

export function onRead(replica: Replica, { tickets }: Read): Step {
  const { office } = replica;
  if (office?.stage !== "active") return emit(replica, { kind: "declined", tickets });
  const readQueue = [...office.readQueue, ...tickets];
  return startRound({ ...replica, office: { ...office, readQueue } });
}

function startRound(replica: Replica): Step {
  const { office, commitIndex } = replica;
  if (office === null || office.reading !== null || office.readQueue.length === 0) {
    return stay(replica);
  }
  const round = office.round + 1;
  const reading = { round, index: commitIndex, tickets: office.readQueue };
  const begun: Office = { ...office, round, reading, readQueue: [] };
  return andThen(broadcast({ ...replica, office: begun }), confirmRound);
}

/** To be called when acks came in: answers the reads whose round a quorum has confirmed. */
export function confirmRound(replica: Replica): Step {
  const { office } = replica;
  if (office?.stage !== "active" || office.reading === null) return stay(replica);
  const { round, index, tickets } = office.reading;
  if (!isQuorumOfEach([office.roster], confirmedBy(replica, office, round))) return stay(replica);
  const idle = { ...replica, office: { ...office, reading: null } };
  return andThen(emit(idle, { kind: "read-ready", tickets, index, term: office.term }), startRound);
}

function confirmedBy(replica: Replica, office: Office, round: number): ReadonlySet<MemberId> {
  const members = new Set<MemberId>();
  for (const { boot, status, round: acked } of office.progress.values()) {
    if (acked >= round && counts(replica, office, boot, status)) members.add(boot.member);
  }
  const { self } = replica.setup;
  if (counts(replica, office, self, replica.status)) members.add(self.member);
  return members;
}
