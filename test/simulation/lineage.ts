/**
 * Every entry that any log ever held, by its hash; and what each prefix says about boots.
 *
 * This is the protocol's text once more, apart from the core's own fold, so that the two can be
 * held against each other.
 */
import type { Entry, TermStart } from "../../node/src/consensus/entry.ts";
import {
  type BootKey,
  type Digest,
  type Hash,
  type MemberId,
  noHash,
  type Term,
} from "../../node/src/consensus/ids.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import { Violation } from "./violation.ts";

/** What a prefix of the log says about its members; shared by all prefixes up to the next. */
export type Naming = {
  readonly valid: ReadonlyMap<MemberId, BootKey>;
  /** The last valid boots of members that the newest term-start lists no more. */
  readonly outgoing: ReadonlyMap<MemberId, BootKey>;
  readonly named: ReadonlySet<BootKey>;
  /** Of the term-starts, oldest first. */
  readonly rosters: readonly RosterAt[];
};
export type RosterAt = { readonly index: number; readonly roster: Roster };

export type Fact = {
  readonly index: number;
  readonly term: Term;
  readonly previous: Hash;
  readonly naming: Naming;
  readonly entry: Entry;
};

export type Lineage = {
  /** Takes note of an entry that some log holds after `previous`. */
  learn(entry: Entry, previous: Hash): void;
  factOf(hash: Hash): Fact | undefined;
  namingAt(hash: Hash): Naming;
};

const nothing: Naming = { valid: new Map(), outgoing: new Map(), named: new Set(), rosters: [] };

export function createLineage(digest: Digest): Lineage {
  const facts = new Map<Hash, Fact>();

  function namingAt(hash: Hash): Naming {
    return hash === noHash ? nothing : (facts.get(hash)?.naming ?? nothing);
  }

  return {
    namingAt,
    factOf: (hash) => facts.get(hash),
    learn(entry, previous) {
      const known = facts.get(entry.hash);
      if (known !== undefined) {
        if (known.previous === previous && known.index === entry.index) return;
        throw new Violation("equal hash, equal prefix", `index ${entry.index} has two pasts`);
      }
      if (digest(previous, entry.bytes) !== entry.hash) {
        throw new Violation("a hash chain", `entry ${entry.index} does not follow its predecessor`);
      }
      const before = facts.get(previous);
      if (entry.index !== (before?.index ?? 0) + 1 || entry.term < (before?.term ?? 0)) {
        throw new Violation(
          "terms and indexes grow along a log",
          `${entry.index} of term ${entry.term} after ${before?.index} of term ${before?.term}`,
        );
      }
      const naming = namingAfter(namingAt(previous), entry);
      facts.set(entry.hash, { index: entry.index, term: entry.term, previous, naming, entry });
    },
  };
}

function namingAfter(naming: Naming, { index, body }: Entry): Naming {
  switch (body.kind) {
    case "command":
    case "mark":
    case "checkpoint":
      return naming;
    case "rejoin":
      if (naming.named.has(body.bootKey)) {
        throw new Violation("a log names a boot key once", `rejoin of ${body.bootKey} at ${index}`);
      }
      return {
        ...naming,
        valid: new Map(naming.valid).set(body.member, body.bootKey),
        named: new Set(naming.named).add(body.bootKey),
      };
    case "term-start":
      return namingAfterTermStart(naming, index, body);
    default:
      return body satisfies never;
  }
}

/**
 * A cold start names all boots anew. For the members that it gave up on it names none, and none
 * speaks for them until one has rejoined.
 */
function namingAfterTermStart(naming: Naming, index: number, { roster, cold }: TermStart): Naming {
  const keyOf = (id: MemberId, listed: BootKey) =>
    cold ? listed : (naming.valid.get(id) ?? listed);
  const valid = new Map(roster.members.map(({ id, bootKey }) => [id, keyOf(id, bootKey)] as const));
  const named = new Set([...naming.named, ...valid.values()]);
  const earlier = [...naming.outgoing, ...naming.valid];
  const outgoing = new Map(
    earlier.filter(([member]) => !roster.members.some(({ id }) => id === member)),
  );
  return { valid, outgoing, named, rosters: [...naming.rosters, { index, roster }] };
}
