/** Who may be counted, by the log and by what truly happened: the check on every quorum. */
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Boot, BootKey, Hash, MemberId, Term } from "../../node/src/consensus/ids.ts";
import { positionAt } from "../../node/src/consensus/log.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Office, Replica } from "../../node/src/consensus/replica.ts";
import type { Roster } from "../../node/src/consensus/roster.ts";
import { hashAt } from "./disk.ts";
import type { Lineage } from "./lineage.ts";
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
  const acks = new Map<BootKey, Map<Term, Ack>>();

  function holds(bootKey: BootKey, { process, replica, office }: Commit): boolean {
    const { log, commitIndex } = replica;
    const committed = positionAt(log, commitIndex)?.hash;
    if (bootKey === process.boot.bootKey) return hashAt(process.disk, commitIndex) === committed;
    const ack = acks.get(bootKey)?.get(office.term);
    return (
      ack !== undefined && ack.index >= commitIndex && positionAt(log, ack.index)?.hash === ack.hash
    );
  }

  function missing(commit: Commit): string | null {
    const { replica, office, settledIndex } = commit;
    const { log, commitIndex } = replica;
    const at = lineage.factOf(positionAt(log, commitIndex)?.hash as Hash);
    if (at?.term !== office.term) return `index ${commitIndex} is of term ${at?.term}`;
    const naming = lineage.namingAt(log.last.hash);
    const holders = new Set<MemberId>();
    for (const [member, bootKey] of naming.valid) {
      if (normal.has(bootKey) && holds(bootKey, commit)) holders.add(member);
    }
    const isColdStart = office.cold && settledIndex < office.startIndex;
    if (isColdStart) {
      const lacking = office.roster.members.filter(({ bootKey }) => !holds(bootKey, commit));
      return lacking.length === 0 ? null : `a cold start without ${lacking.map(({ id }) => id)}`;
    }
    const rosters = naming.rosters.filter(({ index }) => index >= settledIndex);
    const short = rosters.find(({ roster }) => !isQuorum(roster, holders));
    return short === undefined ? null : `${holders.size} valid and normal boots hold it`;
  }

  return {
    registered: (bootKey) => normal.add(bootKey),
    committed({ body, hash }) {
      if (body.kind === "command") return;
      for (const bootKey of lineage.namingAt(hash).valid.values()) normal.add(bootKey);
    },
    acked({ bootKey }, term, ack) {
      const byTerm = acks.get(bootKey) ?? new Map<Term, Ack>();
      acks.set(bootKey, byTerm);
      if (ack.index >= (byTerm.get(term)?.index ?? 0)) byTerm.set(term, ack);
    },
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

function isQuorum({ members }: Roster, holders: ReadonlySet<MemberId>): boolean {
  return members.filter(({ id }) => holders.has(id)).length >= quorumSize(members.length);
}
