/** Rules of restarts and rejoining (protocol.md, sections 3 and 7). */
import type { Rule } from "./rule.ts";

export const recoveryRules: readonly Rule[] = [
  {
    name: "the disk's promise is honoured while recovering",
    section: "7.1",
    edits: [
      {
        file: "follow.ts",
        find: "refuseClaim(replica, claim);",
        replace:
          'refuseClaim(replica.status === "recovering" ? { ...replica, promised: null } : replica, claim);',
      },
    ],
    threatens: "safety",
    shownBy: "restarted members are shown the term before",
  },
  {
    name: "recovering nodes do not promise",
    section: "7.2",
    edits: [
      {
        file: "promises.ts",
        find: 'replica.status === "normal" ? null : "recovering"',
        replace: "null",
      },
      { file: "office.ts", find: 'theirs === "normal"', replace: "true" },
    ],
    threatens: "safety",
    shownBy: "a member that forgot a term is asked for a promise by the leader before",
  },
  {
    name: "recovering nodes do not count as acks",
    section: "7.2",
    edits: [
      {
        file: "replicate.ts",
        find: 'status === "normal" && validBoot(',
        replace: "validBoot(",
      },
    ],
    threatens: "safety",
    shownBy: 1,
  },
  {
    name: "a boot key is named once",
    section: "7.4",
    edits: [
      {
        file: "step.ts",
        find: "if (seats.named.has(from.bootKey)) return stay(replica);",
        replace: "",
      },
    ],
    threatens: "safety",
    shownBy: "a boot that was replaced cannot rejoin by asking again",
  },
  {
    name: "the rejoin quorum leaves the member out",
    section: "7.5",
    edits: [
      {
        file: "commit.ts",
        find: "namedAt !== undefined && namedAt <= replica.commitIndex",
        replace: "namedAt !== undefined",
      },
    ],
    threatens: "safety",
    shownBy: "a boot that was replaced cannot rejoin by asking again",
  },
  {
    name: "a boot that finds itself replaced ends",
    section: "7.6",
    edits: [
      {
        file: "commit.ts",
        find: "return (seats.namedAt.get(member) ?? 0) <= commitIndex;",
        replace: "return false;",
      },
    ],
    threatens: "liveness",
    shownBy: 458,
  },
];
