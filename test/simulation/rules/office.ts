/** Rules of promises and of taking office (protocol.md, sections 3 and 4). */
import type { Rule } from "./rule.ts";

export const officeRules: readonly Rule[] = [
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
    shownBy: 1,
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
