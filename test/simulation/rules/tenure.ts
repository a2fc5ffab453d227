/** Rules of changing members and leaders (protocol.md, sections 9 and 10). */
import type { Rule } from "./rule.ts";

export const tenureRules: readonly Rule[] = [
  {
    name: "a pending node is admitted once it has caught up",
    section: "9.2",
    edits: [
      {
        file: "members.ts",
        find: "isLive && learner.matchIndex >= Math.max(startIndex, goal.index)",
        replace: "isLive",
      },
    ],
    threatens: "liveness",
    shownBy: "a node that is far behind joins",
  },
  {
    name: "a member whose boot is refused is removed",
    section: "9.3",
    edits: [{ file: "members.ts", find: "(id) => isRefused(replica, view, id),", replace: "" }],
    threatens: "liveness",
    shownBy: "members are removed whose boots attestation refuses",
  },
  {
    name: "nobody is removed without whom the rest lack a quorum in touch",
    section: "9.4",
    edits: [
      {
        file: "members.ts",
        find: "return live >= quorumSize(left.length);",
        replace: "return true;",
      },
    ],
    threatens: "liveness",
    shownBy: 512,
  },
  {
    name: "a leader that is to go hands over",
    section: "9.5",
    edits: [{ file: "tenure.ts", find: " || leaves", replace: "" }],
    threatens: "liveness",
    shownBy: 2,
  },
  {
    name: "a leader whose term the contract took back hands over",
    section: "10.11",
    edits: [
      {
        file: "tenure.ts",
        find: "disownedMs !== null && nowMs - disownedMs >= setup.suspectAfterMs * laterTermPatience",
        replace: "false",
      },
    ],
    threatens: "liveness",
    shownBy: 45,
  },
  {
    name: "who holds a log that could not be fetched succeeds, whatever its status",
    section: "10.13",
    edits: [
      {
        file: "tenure.ts",
        find: 'successor.status === "normal" || unfetched || helpless',
        replace: 'successor.status === "normal" || helpless',
      },
    ],
    threatens: "liveness",
    shownBy: 21,
  },
];
