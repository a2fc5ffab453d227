/**
 * What must hold after every step (protocol.md, "Invariants"). Each check throws a Violation.
 *
 * The oracle sees all processes at once, so it knows more than any replica; it never acts.
 */
import type { Outcome } from "../../node/src/application/machine.ts";
import type { Send } from "../../node/src/consensus/effect.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import {
  type BootKey,
  type Digest,
  type Hash,
  noHash,
  type Term,
} from "../../node/src/consensus/ids.ts";
import { positionAt } from "../../node/src/consensus/log.ts";
import type { TreeHash } from "../../node/src/consensus/merkle.ts";
import type { Office, Replica } from "../../node/src/consensus/replica.ts";
import { hashAt } from "./disk.ts";
import { createElectorate, type Electorate } from "./electorate.ts";
import { createLineage, type Lineage, type RosterAt } from "./lineage.ts";
import type { Process, Watch } from "./process.ts";
import { Violation } from "./violation.ts";
import { createVouching, type Vouching } from "./vouching.ts";

export type Oracle = Watch & {
  /** `process` registered its own boot key. */
  registered(bootKey: BootKey): void;
  /** Once a boot begins: its disk is a cache, but what it calls committed must be. */
  booted(process: Process): void;
  ended(process: Process): void;
  /** A client was told that its command took effect there. */
  acknowledged(index: number, term: Term): void;
  committedTo(): number;
  /**
   * Of committed term-starts, from the last one on that every log which holds all that is committed
   * shows to be: by an entry that follows it in its own term.
   */
  openRosters(): readonly RosterAt[];
} & Vouching;

/** The first replica that called an index committed, and in whose term. */
export type Committed = { readonly hash: Hash; readonly inTerm: Term; readonly by: string };

type Known = {
  readonly committed: Committed[];
  readonly outcomes: string[];
  readonly states: Map<number, Hash>;
  readonly stateHashes: Map<number, Hash>;
  readonly leaderOf: Map<Term, string>;
  readonly active: Map<Process, Term>;
  readonly lineage: Lineage;
  readonly electorate: Electorate;
  readonly digest: Digest;
};

export function createOracle(digest: Digest, treeHash: TreeHash): Oracle {
  const lineage = createLineage(digest);
  const committed: Committed[] = [];
  const known: Known = {
    committed,
    outcomes: [],
    states: new Map(),
    stateHashes: new Map(),
    leaderOf: new Map(),
    active: new Map(),
    lineage,
    electorate: createElectorate(lineage),
    digest,
  };
  return {
    ...createVouching(committed, treeHash),
    registered: known.electorate.registered,
    booted: (process) => checkCommitted(known, process, process.replica()),
    ended: (process) => known.active.delete(process),
    stepped(process, before, _input, taken) {
      const after = taken.replica;
      if (after === before) return;
      if (after.log !== before.log) learnEntries(known, taken.effects, after);
      checkCommitIndex(known, process, before, after);
      checkActive(known, process, before, after);
      for (const effect of taken.effects) {
        if (effect.kind === "commit") noteCommits(known, process, effect.entries, after);
        if (effect.kind === "restore")
          checkState(known, effect.snapshot.at.index, effect.snapshot.state);
      }
      if (after.log !== before.log || after.commitIndex !== before.commitIndex) {
        checkCommitted(known, process, after);
      }
    },
    applied: (process, entry, outcome) => noteApplied(known, process, entry, outcome),
    captured: (_process, index, state) => checkState(known, index, state),
    hashed: (process, index, stateHash) => checkStateHash(known, process, index, stateHash),
    sending: (process, effect) => checkSending(known, process, effect),
    acknowledged(index, term) {
      const at = known.committed[index - 1];
      if (at !== undefined && lineage.factOf(at.hash)?.term === term) return;
      throw new Violation("an acknowledged write is committed", `index ${index} of term ${term}`);
    },
    committedTo: () => committed.length,
    openRosters: () => openRosters(known),
  };
}

function learnEntries(
  { lineage }: Known,
  effects: Parameters<Watch["stepped"]>[3]["effects"],
  after: Replica,
): void {
  for (const effect of effects) {
    if (effect.kind !== "persist") continue;
    for (const write of effect.writes) {
      if (write.kind !== "entries") continue;
      let previous = positionAt(after.log, write.after)?.hash;
      for (const entry of write.entries) {
        if (previous === undefined) break;
        lineage.learn(entry, previous);
        previous = entry.hash;
      }
    }
  }
}

/** Invariant 5, and how a leader may move its commit index (invariant 6). */
function checkCommitIndex(known: Known, process: Process, before: Replica, after: Replica): void {
  if (after.commitIndex === before.commitIndex) return;
  if (after.commitIndex < before.commitIndex) {
    throw new Violation(
      "the commit index never falls within a boot",
      `${process.name} from ${before.commitIndex} to ${after.commitIndex}`,
    );
  }
  const { office } = after;
  if (office === null || (office.stage !== "starting" && office.stage !== "active")) return;
  const settledIndex = settledRoster(known)?.index ?? 0;
  known.electorate.checkCommit({ process, replica: after, office, settledIndex });
}

function settledRoster({ committed, lineage }: Known): RosterAt | null {
  const last = committed.at(-1);
  if (last === undefined) return null;
  return lineage.namingAt(last.hash).rosters.at(-1) ?? null;
}

function openRosters({ committed, lineage }: Known): readonly RosterAt[] {
  const last = committed.at(-1);
  if (last === undefined) return [];
  const termAt = (index: number) => lineage.factOf(committed[index - 1]?.hash as Hash)?.term;
  const { rosters } = lineage.namingAt(last.hash);
  const shown = rosters.findLastIndex(
    ({ index }) => index < committed.length && termAt(index) === termAt(index + 1),
  );
  return rosters.slice(Math.max(shown, 0));
}

/** Invariants 1 and 3. */
function checkActive(known: Known, process: Process, before: Replica, after: Replica): void {
  if (before.office === after.office) return;
  const { office } = after;
  if (office?.stage !== "active") {
    known.active.delete(process);
    return;
  }
  if (known.active.get(process) === office.term) return;
  const rival = known.leaderOf.get(office.term);
  if (rival !== undefined && rival !== process.name) {
    throw new Violation(
      "one active leader a term",
      `${rival} and ${process.name} in ${office.term}`,
    );
  }
  known.leaderOf.set(office.term, process.name);
  known.active.set(process, office.term);
  const owed = known.committed.findLastIndex(({ inTerm }) => inTerm <= office.term) + 1;
  checkHolds(known, process, office, after, owed);
}

/** Equal hash means equal prefix: one look at the newest entry owed is enough. */
function checkHolds(
  { committed }: Known,
  process: Process,
  office: Office,
  { log }: Replica,
  index: number,
): void {
  const owed = committed[index - 1];
  if (owed === undefined || index < log.before.index) return;
  if (positionAt(log, index)?.hash === owed.hash) return;
  throw new Violation(
    "an active leader holds every committed entry",
    `${process.name}, active in ${office.term}, lacks index ${index} that ${owed.by} ` +
      `committed in ${owed.inTerm}`,
  );
}

/** Invariant 4, on the first word of a commit rather than on its application. */
function noteCommits(
  known: Known,
  process: Process,
  entries: readonly Entry[],
  after: Replica,
): void {
  const { committed, lineage, electorate, active } = known;
  for (const { index, hash } of entries) {
    const other = committed[index - 1];
    if (other !== undefined) {
      if (other.hash === hash) continue;
      throw new Violation(
        "no two replicas commit different entries at one index",
        `${process.name} differs at ${index} from ${other.by} (committed in ${other.inTerm})`,
      );
    }
    const fact = lineage.factOf(hash);
    const follows = (fact?.previous ?? noHash) === (committed.at(-1)?.hash ?? noHash);
    if (fact === undefined || index !== committed.length + 1 || !follows) {
      throw new Violation("commits follow one another", `${process.name} at index ${index}`);
    }
    const inTerm = after.office?.term ?? after.following?.term ?? fact.term;
    committed.push({ hash, inTerm, by: process.name });
    electorate.committed(fact.entry);
  }
  const last = committed.at(-1);
  if (last === undefined) return;
  for (const [leader, term] of active) {
    const { office } = leader.replica();
    const isLater = office !== null && term > last.inTerm && leader !== process;
    if (isLater) checkHolds(known, leader, office, leader.replica(), committed.length);
  }
}

/** What a replica calls committed is what was committed. */
function checkCommitted({ committed }: Known, process: Process, replica: Replica): void {
  const { log, commitIndex } = replica;
  if (commitIndex === 0) return;
  const held = positionAt(log, commitIndex);
  if (held !== null && held.hash === committed[commitIndex - 1]?.hash) return;
  throw new Violation(
    "nothing at or below the commit index is cut or replaced",
    `${process.name} at its commit index ${commitIndex}: ${held?.hash.slice(0, 8) ?? "nothing"}`,
  );
}

function noteApplied(
  { outcomes }: Known,
  process: Process,
  { index }: Entry,
  outcome: Outcome | null,
): void {
  const made = outcome?.kind === "applied" ? `${outcome.index}=${outcome.result}` : "nothing";
  const other = outcomes[index];
  outcomes[index] ??= made;
  if (other === undefined || other === made) return;
  throw new Violation(
    "equal index, equal outcome",
    `${process.name} made ${made} of index ${index}, another ${other}`,
  );
}

function checkState({ states, digest }: Known, index: number, state: Uint8Array): void {
  const hash = digest(noHash, state);
  const other = states.get(index);
  if (other !== undefined && other !== hash) {
    throw new Violation("equal index, equal state", `two states at index ${index}`);
  }
  states.set(index, hash);
}

function checkStateHash(
  { stateHashes }: Known,
  { name }: Process,
  index: number,
  stateHash: Hash,
): void {
  const other = stateHashes.get(index) ?? stateHash;
  stateHashes.set(index, other);
  if (other === stateHash) return;
  throw new Violation("equal index, equal state", `${name} hashes another at index ${index}`);
}

/** Durable before anything that depends on it leaves. */
function checkSending({ electorate }: Known, process: Process, { message }: Send): void {
  const { disk } = process;
  const promisedTerm = disk.promised?.term ?? 0;
  if (message.kind === "promise" && promisedTerm < message.term) {
    throw new Violation("durable before reply", `${process.name} promises ${message.term}`);
  }
  if (message.kind !== "ack") return;
  const { matchIndex, matchHash, term } = message;
  const holds =
    matchIndex <= disk.beforeIndex ||
    matchIndex <= (disk.snapshot?.at.index ?? 0) ||
    hashAt(disk, matchIndex) === matchHash;
  // What a later term has replaced since was held when the ack was made.
  if (!holds && promisedTerm <= term) {
    throw new Violation("durable before reply", `${process.name} acks ${matchIndex} in ${term}`);
  }
  electorate.acked(process.boot, term, { index: matchIndex, hash: matchHash });
}
