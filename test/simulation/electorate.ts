/** Who may be counted, by the log and by what truly happened: the check on every quorum. */
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Boot, BootKey, Hash, MemberId, Term } from "../../node/src/consensus/ids.ts";
import { positionAt } from "../../node/src/consensus/log.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Office, Replica } from "../../node/src/consensus/replica.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import { hashAt } from "./disk.ts";
import type { Lineage, Naming } from "./lineage.ts";
import { letterOf } from "./names.ts";
import type { Process } from "./process.ts";
import { Violation } from "./violation.ts";

export type Electorate = {
  registered(bootKey: BootKey): void;
  committed(entry: Entry): void;
  acked(boot: Boot, term: Term, upTo: { readonly index: number; readonly hash: Hash }): void;
  /** To be called with the replica as it is after it moved its commit index by counting. */
  checkCommit(commit: Commit): void;
};

type Commit = {
  readonly process: Process;
  readonly replica: Replica;
  readonly office: Office;
  /** Index of the last term-start that is known to be committed. */
  readonly settledIndex: number;
};
type Ack = { readonly index: number; readonly hash: Hash };

export function createElectorate(lineage: Lineage): Electorate {
  /** Boots that never forgot, or whose naming is committed. */
  const normal = new Set<BootKey>();
  const acks = createAcks();

  /** Members whose valid boot is normal and holds it. */
  function holders(commit: Commit, { valid, outgoing }: Naming): ReadonlySet<MemberId> {
    const counted = [...valid, ...outgoing].filter(
      ([, key]) => normal.has(key) && acks.holds(key, commit),
    );
    return new Set(counted.map(([member]) => member));
  }

  /** Members whose named boot holds it; of those that the cold start could not name, any boot. */
  function coldHolders(commit: Commit, rosters: readonly Roster[]): ReadonlySet<MemberId> {
    const { roster } = commit.office;
    const named = new Map(roster.members.map(({ id, bootKey }) => [id, bootKey]));
    const members = new Set(rosters.flatMap((each) => each.members.map(({ id }) => id)));
    const holding = [...members].filter((member) => {
      const key = named.get(member);
      const boots = key === undefined ? acks.bootsOf(member) : [key];
      return boots.some((boot) => acks.holds(boot, commit));
    });
    return new Set(holding);
  }

  function missing(commit: Commit): string | null {
    const { replica, office, settledIndex } = commit;
    const { log, commitIndex, setup } = replica;
    const at = lineage.factOf(positionAt(log, commitIndex)?.hash as Hash);
    if (at?.term !== office.term) return `index ${commitIndex} is of term ${at?.term}`;
    const naming = lineage.namingAt(log.last.hash);
    const rosters = naming.rosters
      .filter(({ index }) => index >= settledIndex)
      .map(({ roster }) => roster);
    const isColdStart = office.cold && settledIndex < office.startIndex;
    const counted = isColdStart ? coldHolders(commit, rosters) : holders(commit, naming);
    const needed = (memberCount: number) =>
      isColdStart && setup.coldStart === "all" ? memberCount : quorumSize(memberCount);
    const short = rosters.find(
      ({ members }) => members.filter(({ id }) => counted.has(id)).length < needed(members.length),
    );
    if (short === undefined) return null;
    const of = short.members.map(({ id }) => letterOf(id)).join("");
    const by = [...counted].map(letterOf).join("");
    return `of ${of} only ${by || "nobody"} ${isColdStart ? "in a cold start" : "counts and"} holds it`;
  }

  return {
    registered: (bootKey) => normal.add(bootKey),
    committed({ body, hash }) {
      if (body.kind !== "term-start" && body.kind !== "rejoin") return;
      for (const bootKey of lineage.namingAt(hash).valid.values()) normal.add(bootKey);
    },
    acked: acks.note,
    checkCommit(commit) {
      const why = missing(commit);
      if (why === null) return;
      const { process, replica, office } = commit;
      throw new Violation(
        "a quorum of valid and normal boots holds what is committed",
        `${process.name} commits index ${replica.commitIndex} in ${office.term}: ${why}`,
      );
    },
  };
}

/** Who acknowledged what, by boot and term. */
function createAcks() {
  const acks = new Map<BootKey, Map<Term, Ack>>();
  const boots = new Map<MemberId, Set<BootKey>>();
  return {
    note({ member, bootKey }: Boot, term: Term, ack: Ack): void {
      boots.set(member, (boots.get(member) ?? new Set()).add(bootKey));
      const byTerm = acks.get(bootKey) ?? new Map<Term, Ack>();
      acks.set(bootKey, byTerm);
      if (ack.index >= (byTerm.get(term)?.index ?? 0)) byTerm.set(term, ack);
    },
    bootsOf: (member: MemberId): readonly BootKey[] => [...(boots.get(member) ?? [])],
    /** Whether this boot durably holds what the leader of `commit` commits. */
    holds(bootKey: BootKey, { process, replica, office }: Commit): boolean {
      const { log, commitIndex } = replica;
      const committed = positionAt(log, commitIndex)?.hash;
      if (bootKey === process.boot.bootKey) return hashAt(process.disk, commitIndex) === committed;
      const ack = acks.get(bootKey)?.get(office.term);
      if (ack === undefined || ack.index < commitIndex) return false;
      return positionAt(log, ack.index)?.hash === ack.hash;
    },
  };
}
