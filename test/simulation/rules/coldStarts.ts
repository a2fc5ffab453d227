/** Rules of cold starts (protocol.md, section 8). */
import type { Rule } from "./rule.ts";

export const coldStartRules: readonly Rule[] = [
  {
    name: "only boots that a cold start names may promise",
    section: "8.4",
    edits: [
      {
        file: "promises.ts",
        find: "listed === undefined || listed.bootKey === setup.self.bootKey",
        replace: "true",
      },
      {
        file: "office.ts",
        find: "office.cold ? isNamed(office, from) : ",
        replace: "office.cold || ",
      },
    ],
    threatens: "safety",
    shownBy: "old copies offer themselves while the boots that were named are paused",
  },
  {
    name: "any boot may promise of a member that only an earlier roster lists",
    section: "8.4",
    edits: [
      {
        file: "replicate.ts",
        find: "listed === undefined || listed.bootKey === bootKey",
        replace: "listed?.bootKey === bootKey",
      },
    ],
    threatens: "liveness",
    shownBy: 22,
  },
  {
    name: "only boots that a cold start names may count",
    section: "8.6",
    edits: [
      { file: "replicate.ts", find: "return isNamed(office, boot);", replace: "return true;" },
    ],
    threatens: "safety",
    shownBy: 19,
  },
  {
    name: "a cold start needs promises from all",
    section: "8.5",
    edits: [{ file: "office.ts", find: 'cold && setup.coldStart === "all"', replace: "false" }],
    threatens: "safety",
    shownBy: "a cold start needs the log of a member whose removal is not committed",
  },
  {
    name: "a cold start is committed once all hold it",
    section: "8.6",
    edits: [
      {
        file: "replicate.ts",
        find: 'office.cold && office.stage === "starting" && setup.coldStart === "all"',
        replace: "false",
      },
    ],
    threatens: "safety",
    shownBy: "a cold start that only a quorum holds commits nothing",
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
