/**
 * Receipts for this replica's entries, under the newest checkpoint that a quorum of the present
 * roster signed (protocol.md, "Checkpoints").
 *
 * Safety assumes nothing of this file: whoever gets a receipt checks it. What is done here keeps a
 * member that signs garbage from making this node hand out receipts that do not hold.
 */
import type { Certificate, Checkpoint } from "../consensus/checkpoint.ts";
import type { Entry } from "../consensus/entry.ts";
import type { Hash, MemberId } from "../consensus/ids.ts";
import { entryAt, type Log, positionAt } from "../consensus/log.ts";
import { emptyFrontier, pathOf, rootOfPath, subtreesOf } from "../consensus/merkle.ts";
import { isQuorumOfEach } from "../consensus/quorum.ts";
import type { Replica } from "../consensus/replica.ts";
import type { View } from "../consensus/view.ts";
import { ClusterError } from "../errors.ts";
import type { RecoverVoucher, SignedCheckpoint } from "./ports.ts";
import type { Receipt } from "./receipt.ts";
import { createSubtreeMemory, type SubtreeMemory } from "./subtrees.ts";

export type ReceiptFault =
  /** Not committed here, or not under a certificate that this node has; 0 is "none". */
  | { readonly code: "receipt.notYet"; readonly certifiedIndex: number }
  /** The entry lives on in the snapshot alone. */
  | { readonly code: "receipt.compacted"; readonly firstIndex: number };

export class ReceiptError extends ClusterError<ReceiptFault> {}

export type ReceiptsOptions = {
  readonly replica: () => Replica;
  readonly recoverVoucher: RecoverVoucher;
  readonly cluster: { readonly chainId: number; readonly contract: string };
};

export type Receipts = {
  /** @throws ReceiptError */
  of(index: number): Promise<Receipt>;
};

export function createReceipts({ replica, recoverVoucher, cluster }: ReceiptsOptions): Receipts {
  const memory = createSubtreeMemory();
  let newest: { readonly given: Certificate; readonly vetted: Promise<Certificate> } | null = null;
  /** The last one that held: a newer one may fall short once wrong signatures are left out. */
  let holding: Certificate | null = null;

  async function certificateFor(): Promise<Certificate | null> {
    const { certificate: given } = replica().vouched;
    if (given !== null && given !== newest?.given) {
      newest = { given, vetted: vet(given, recoverVoucher) };
    }
    const vetted = newest === null ? null : await newest.vetted;
    if (vetted !== null && holds(replica(), vetted)) holding = vetted;
    return holding !== null && holds(replica(), holding) ? holding : null;
  }

  return {
    async of(index) {
      requireKept(replica().log, index);
      const certificate = await certificateFor();
      const { log, trees, view, setup } = replica();
      // The log may have been compacted meanwhile.
      const entry = requireKept(log, index);
      if (certificate === null || entry === null || index > certificate.checkpoint.index) {
        throw notYet(index, certificate?.checkpoint.index ?? 0);
      }
      const { checkpoint } = certificate;
      const path = provingPath({ log, trees, setup }, entry, checkpoint, memory);
      return {
        format: 1,
        chainId: cluster.chainId,
        contract: prefixed(cluster.contract.slice(2)),
        index,
        term: entry.term,
        entry: prefixed(Buffer.from(entry.bytes).toString("hex")),
        prevHash: prefixed(hashBefore(log, index)),
        path: path.map(prefixed),
        checkpoint: {
          ...checkpoint,
          logRoot: prefixed(checkpoint.logRoot),
          stateHash: prefixed(checkpoint.stateHash),
        },
        signatures: view === null ? [] : signaturesOf(certificate, view),
      };
    },
  };
}

/** The newest checkpoints that this member signed itself, oldest first. */
export function ownCheckpoints({ vouched, setup }: Replica): readonly SignedCheckpoint[] {
  return vouched.open.flatMap(({ checkpoint, signatures }) => {
    const signature = signatures.get(setup.self.member);
    return signature === undefined ? [] : [{ checkpoint, signature }];
  });
}

/** Leaves out what its member did not sign: the core takes signatures as they come. */
async function vet(
  { checkpoint, signatures }: Certificate,
  recoverVoucher: RecoverVoucher,
): Promise<Certificate> {
  const recovered = await Promise.all(
    signatures.map(async ({ member, signature }) => {
      const signer = await recoverVoucher(checkpoint, signature);
      return signer === member ? [{ member, signature }] : [];
    }),
  );
  return { checkpoint, signatures: recovered.flat() };
}

/** Whether the contract, as this node sees it, would accept it; and the log here reaches as far. */
function holds({ view, commitIndex }: Replica, { checkpoint, signatures }: Certificate): boolean {
  if (view === null || checkpoint.index > commitIndex) return false;
  if (checkpoint.coldTerm !== view.coldTerm) return false;
  const signers = signatures.map(({ member }) => member);
  const counted = new Set<MemberId>(signers.filter((member) => !view.revoked.includes(member)));
  return isQuorumOfEach([view.roster], counted);
}

/** @returns null when the log has not come so far. @throws ReceiptError receipt.compacted */
function requireKept(log: Log, index: number): Entry | null {
  if (index > log.before.index) return entryAt(log, index) ?? null;
  const firstIndex = log.before.index + 1;
  throw new ReceiptError(
    { code: "receipt.compacted", firstIndex },
    `entry ${index} lives on in the snapshot alone: expected an index from ${firstIndex} on`,
  );
}

function notYet(index: number, certifiedIndex: number): ReceiptError {
  const known =
    certifiedIndex === 0 ? "none yet" : `the newest covers entries 1 to ${certifiedIndex}`;
  return new ReceiptError(
    { code: "receipt.notYet", certifiedIndex },
    `entry ${index} is not under a checkpoint that a quorum signed: ${known}`,
  );
}

function provingPath(
  { log, trees, setup }: Pick<Replica, "log" | "trees" | "setup">,
  { index, hash: entryHash }: Entry,
  { index: size, logRoot }: Checkpoint,
  memory: SubtreeMemory,
): readonly Hash[] {
  const { treeHash } = setup;
  const [before = emptyFrontier] = trees;
  memory.forget(before.size);
  const subtreeAt = subtreesOf(before, (at) => hashAt(log, at), treeHash, memory.remember);
  const path = pathOf({ index, size }, subtreeAt, treeHash);
  const root = rootOfPath({ index, size, entryHash }, path, treeHash);
  if (root === logRoot) return path;
  throw new Error(`a quorum signed the root ${logRoot} at index ${size}, this log's is ${root}`);
}

function hashAt(log: Log, index: number): Hash {
  const entry = entryAt(log, index);
  if (entry === undefined) throw new Error(`the log does not hold entry ${index}`);
  return entry.hash;
}

function hashBefore(log: Log, index: number): Hash {
  const position = positionAt(log, index - 1);
  if (position === null) throw new Error(`the log does not hold entry ${index - 1}`);
  return position.hash;
}

function signaturesOf({ signatures }: Certificate, view: View): Receipt["signatures"] {
  return view.roster.members.flatMap(({ slot, id }) => {
    const own = signatures.find(({ member }) => member === id);
    if (own === undefined || view.revoked.includes(id)) return [];
    return [{ slot, wallet: prefixed(id.slice(2)), signature: prefixed(own.signature.slice(2)) }];
  });
}

function prefixed(digits: string): `0x${string}` {
  return `0x${digits.toLowerCase()}`;
}
