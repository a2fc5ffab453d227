/**
 * What members vouch for, judged by what was committed (protocol.md, invariants 8 and 9): the
 * oracle's own reading of RFC 9162, section 2.1, apart from the core's frontiers.
 */
import type { Anchor, Certificate, Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import type { Hash, MemberId } from "../../node/src/consensus/ids.ts";
import type { TreeHash } from "../../node/src/consensus/merkle.ts";
import { verifies } from "./contract/checkpoints.ts";
import type { Ledger } from "./contract/ledger.ts";
import { letterOf } from "./names.ts";
import { Violation } from "./violation.ts";

export type Vouching = {
  /** A member is about to sign. */
  signing(member: MemberId, checkpoint: Checkpoint): void;
  /** A leader that nobody lied to is about to bring it to the contract. */
  anchoring(leader: MemberId, certificate: Certificate): void;
  /** What the contract says at a new block. */
  shows(ledger: Ledger): void;
};

type Committed = readonly { readonly hash: Hash }[];

export function createVouching(committed: Committed, treeHash: TreeHash): Vouching {
  const rootOver = createRoots(committed, treeHash);
  const signed = new Map<string, Hash>();
  /** Whatever changed who may sign. */
  const shown: Ledger[] = [];
  let anchor: Anchor | null = null;

  function checkCovers({ index, logRoot }: Anchor, who: string): void {
    if (index >= 1 && index <= committed.length && rootOver(0, index) === logRoot) return;
    throw new Violation(
      "a checkpoint covers what is committed",
      `${who} vouches for index ${index} of ${committed.length} committed, root ${logRoot.slice(0, 8)}`,
    );
  }

  return {
    signing(member, checkpoint) {
      checkCovers(checkpoint, letterOf(member));
      const key = `${member} ${checkpoint.coldTerm} ${checkpoint.index}`;
      const earlier = signed.get(key) ?? checkpoint.logRoot;
      signed.set(key, earlier);
      if (earlier === checkpoint.logRoot) return;
      throw new Violation("a member signs one root for an index", key);
    },
    anchoring(leader, certificate) {
      const { checkpoint } = certificate;
      // That of an earlier block may do: members change while signatures are gathered.
      const isCertificate = shown.some((ledger) =>
        verifies({ ...ledger, coldTerm: checkpoint.coldTerm }, certificate),
      );
      if (isCertificate) return;
      const { index } = checkpoint;
      const signers = certificate.signatures.map(({ member }) => letterOf(member)).join(" ");
      throw new Violation(
        "a certificate verifies from contract state alone",
        `${letterOf(leader)} brings the signatures of ${signers} for index ${index}`,
      );
    },
    shows(ledger) {
      const isKnown = ledger.roster === shown[0]?.roster && ledger.revoked === shown[0]?.revoked;
      if (!isKnown) shown.unshift(ledger);
      if (ledger.anchor !== null && ledger.anchor !== anchor)
        checkCovers(ledger.anchor, "the chain");
      anchor = ledger.anchor;
    },
  };
}

/** Roots over leaves [start, start + size) of what is committed, which never changes. */
function createRoots(
  committed: Committed,
  { leaf, node }: TreeHash,
): (start: number, size: number) => Hash {
  const known = new Map<string, Hash>();

  function rootOver(start: number, size: number): Hash {
    const key = `${start} ${size}`;
    const earlier = known.get(key);
    if (earlier !== undefined) return earlier;
    const root = size === 1 ? leaf(committed[start]?.hash as Hash) : split(start, size);
    known.set(key, root);
    return root;
  }

  /** At the largest power of two smaller than `size`. */
  function split(start: number, size: number): Hash {
    const left = 2 ** Math.floor(Math.log2(size - 1));
    return node(rootOver(start, left), rootOver(start + left, size - left));
  }

  return rootOver;
}
