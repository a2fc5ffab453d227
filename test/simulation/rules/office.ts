/** Rules of promises and of taking office (protocol.md, sections 3 and 4). */
import type { Rule } from "./rule.ts";

export const officeRules: readonly Rule[] = [
  {
    name: "a promise names the leader's boot",
    section: "4.3",
    edits: [
      {
        file: "promises.ts",
        find: "promised.leaderBootKey === claim.leader.bootKey && promised.rosterHash",
        replace: "promised.rosterHash",
      },
    ],
    threatens: "safety",
    shownBy: "a leader and its clone ask for promises in one term",
  },
  {
    name: "a promise refuses lower terms",
    section: "4.4",
    edits: [
      {
        file: "promises.ts",
        find: "promised !== null && promised.term > claim.term",
        replace: "false",
      },
    ],
    threatens: "safety",
    shownBy: 3,
  },
  {
    name: "a promise is durable before it leaves",
    section: "4.4",
    edits: [
      {
        file: "promises.ts",
        find: 'after: "durable",\n      message: {\n        kind: "promise"',
        replace: 'after: "now",\n      message: {\n        kind: "promise"',
      },
    ],
    threatens: "safety",
    shownBy: 1,
  },
  {
    name: "an append binds like a promise",
    section: "4.5",
    edits: [{ file: "follow.ts", find: "bind(replica, claim)", replace: "stay(replica)" }],
    threatens: "safety",
    shownBy: "a member that never promised follows, and its former leader goes on",
  },
  {
    name: "promises come from a quorum",
    section: "4.8",
    edits: [
      {
        file: "office.ts",
        find: ": isQuorumOfEach(rosters, members)",
        replace: ": members.size > 0",
      },
    ],
    threatens: "safety",
    shownBy: 15,
  },
  {
    name: "the greatest log is adopted",
    section: "4.9",
    edits: [
      {
        file: "office.ts",
        find: "isGreater(b.last, a.last)",
        replace: "isGreater(a.last, b.last)",
      },
    ],
    threatens: "safety",
    shownBy: 4,
  },
  {
    name: "stale boots are not counted in promises",
    section: "4.12",
    edits: [
      {
        file: "office.ts",
        find: "validBoot(seats, office.roster, from.member) === from.bootKey",
        replace: "validBoot(seats, office.roster, from.member) !== undefined",
      },
    ],
    threatens: "safety",
    shownBy: "a boot that was replaced is asked for a promise",
  },
  {
    name: "the log changes only once the promises are enough",
    section: "4.13",
    edits: [
      {
        file: "office.ts",
        find: "return stay({ ...replica, office: { ...office, judged: { seats, last, joint } } });",
        replace:
          "return entries.length > 0 ? graft(replica, entries) : cutAfter(replica, last.index);",
      },
    ],
    threatens: "safety",
    shownBy: "a restarted leader is offered shorter logs",
  },
  {
    name: "joint quorums of every roster in play",
    section: "4.14",
    edits: [
      {
        file: "office.ts",
        find: "...settleRosters(seats, Math.min(known, last.index)).rosters.map(({ roster }) => roster),",
        replace: "",
      },
    ],
    threatens: "safety",
    shownBy: "five members become three while a clone of one is about",
  },
];
