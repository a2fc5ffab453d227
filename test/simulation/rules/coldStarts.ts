/** Rules of cold starts (protocol.md, section 8). */
import type { Rule } from "./rule.ts";

export const coldStartRules: readonly Rule[] = [
  {
    name: "a cold start needs promises from all",
    section: "8.5",
    edits: [{ file: "office.ts", find: 'cold && setup.coldStart === "all"', replace: "false" }],
    threatens: "safety",
    shownBy: "a cold start needs the log of a member whose removal is not committed",
  },
  {
    name: "a cold start checks the anchor",
    section: "8.8",
    edits: [
      {
        file: "office.ts",
        find: "office.cold ? missesAnchor(replica, { last, entries }) : null",
        replace: "null",
      },
    ],
    threatens: "safety",
    shownBy: "a rollback of all disks behind the anchor is detected",
  },
];
