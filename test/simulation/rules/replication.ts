/** Rules of replication, snapshots, reads and checkpoints (protocol.md, sections 5, 6, 11 and 12). */
import type { Rule } from "./rule.ts";

export const replicationRules: readonly Rule[] = [
  {
    name: "followers match by hash",
    section: "5.1",
    edits: [
      {
        file: "follow.ts",
        find: "mine !== null && mine.hash !== previous.hash",
        replace: "mine !== null && mine.index !== previous.index",
      },
    ],
    threatens: "safety",
    shownBy: 5,
  },
  {
    name: "entries are durable before the ack leaves",
    section: "5.2",
    edits: [
      {
        file: "follow.ts",
        find: 'after: "durable",\n    message: {\n      kind: "ack"',
        replace: 'after: "now",\n    message: {\n      kind: "ack"',
      },
    ],
    threatens: "safety",
    shownBy: 1,
  },
  {
    name: "the leader's own count waits for its disk",
    section: "5.2",
    edits: [
      {
        file: "replicate.ts",
        find: "reached.set(self.member, durableMatch(replica))",
        replace: "reached.set(self.member, replica.log.last.index)",
      },
    ],
    threatens: "safety",
    shownBy: 2,
  },
  {
    name: "a quorum holds what is committed",
    section: "5.3",
    edits: [
      {
        file: "replicate.ts",
        find: ": indexHeldByQuorum(rosters, reached)",
        replace: ": Math.max(0, ...reached.values())",
      },
    ],
    threatens: "safety",
    shownBy: 1,
  },
  {
    name: "only entries of the own term are committed by counting",
    section: "5.3",
    edits: [
      {
        file: "replicate.ts",
        find: " || entryAt(replica.log, held)?.term !== office.term",
        replace: "",
      },
    ],
    threatens: "safety",
    shownBy: 1,
  },
  {
    name: "stale boots are not counted as acks",
    section: "5.4",
    edits: [
      {
        file: "replicate.ts",
        find: 'status === "normal" && validBoot(replica.seats, office.roster, member) === bootKey',
        replace:
          'status === "normal" && validBoot(replica.seats, office.roster, member) !== undefined',
      },
    ],
    threatens: "safety",
    shownBy: 28,
  },
  {
    name: "the leader counts itself only if valid and normal",
    section: "5.4",
    edits: [
      {
        file: "replicate.ts",
        find: "counts(replica, office, self, replica.status)",
        replace: "true",
      },
    ],
    threatens: "safety",
    shownBy: 135,
  },
  {
    name: "reads confirm leadership",
    section: "11.1",
    edits: [
      {
        file: "reads.ts",
        find: "if (!isQuorumOfEach([office.roster], confirmedBy(replica, office, round))) return stay(replica);",
        replace: "",
      },
    ],
    threatens: "safety",
    shownBy: "a leader that was replaced is asked for a read",
  },
  {
    name: "reads that arrive during a round share the next one",
    section: "11.2",
    edits: [
      {
        file: "reads.ts",
        find: "const round = office.round + 1;",
        replace: "const round = office.round;",
      },
    ],
    threatens: "safety",
    shownBy: 423,
  },
];
