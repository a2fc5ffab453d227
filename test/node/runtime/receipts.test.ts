import fc from "fast-check";
import { expect, test } from "vitest";
import type { Certificate } from "../../../node/src/consensus/checkpoint.ts";
import { memberId, noHash, term } from "../../../node/src/consensus/ids.ts";
import type { TreeHash } from "../../../node/src/consensus/merkle.ts";
import type { Replica } from "../../../node/src/consensus/replica.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { RecoverVoucher } from "../../../node/src/runtime/ports.ts";
import { receiptSchema } from "../../../node/src/runtime/receipt.ts";
import { createReceipts } from "../../../node/src/runtime/receipts.ts";
import { sha256Tree } from "../../../node/src/storage/digest.ts";
import { plainPath, sha256 } from "../../support/plainTree.ts";
import {
  addressIn,
  certificateBy,
  checkpointOf,
  cluster,
  hashesOf,
  logOf,
  recoverVoucher,
  replicaIn,
  rosterIn,
} from "../../support/vouched.ts";

const roster = rosterIn([0, 1, 2]);
const entries = logOf(40);
const certified = (index: number, slots: readonly number[] = [0, 2]) =>
  certificateBy(slots, checkpointOf(entries, index));

/** A node whose replica a test may replace. */
function nodeWith(first: Replica, recover: RecoverVoucher = recoverVoucher) {
  let replica = first;
  const recovered: string[] = [];
  const receipts = createReceipts({
    replica: () => replica,
    recoverVoucher(checkpoint, signature) {
      recovered.push(signature);
      return recover(checkpoint, signature);
    },
    cluster,
  });
  return {
    of: receipts.of,
    recovered,
    become(next: Replica) {
      replica = next;
    },
  };
}

const faultOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => "no fault",
    (error) => (error instanceof ClusterError ? error.fault : error),
  );
const notYet = (certifiedIndex: number) => ({ code: "receipt.notYet", certifiedIndex });
const prefixed = (digits: string) => `0x${digits}`;

test("a receipt has the entry, its path, the checkpoint, and its signatures by slot", async () => {
  const certificate = await certified(20, [2, 0]);
  const node = nodeWith(replicaIn({ entries, certificate, roster }));
  const receipt = await node.of(7);
  const { coldTerm, index, logRoot, stateHash } = certificate.checkpoint;
  expect(receipt).toMatchObject({
    format: 1,
    ...cluster,
    index: 7,
    term: 2,
    entry: prefixed(Buffer.from(entries[6]?.bytes ?? []).toString("hex")),
    prevHash: prefixed(entries[5]?.hash ?? ""),
    checkpoint: { coldTerm, index, logRoot: prefixed(logRoot), stateHash: prefixed(stateHash) },
    signatures: [
      { slot: 0, wallet: addressIn(0), signature: certificate.signatures[1]?.signature },
      { slot: 2, wallet: addressIn(2), signature: certificate.signatures[0]?.signature },
    ],
  });
  expect(receiptSchema.parse(JSON.parse(JSON.stringify(receipt)))).toEqual(receipt);
});

test("the first entry follows the hash of nothing", async () => {
  const node = nodeWith(replicaIn({ entries, certificate: await certified(20), roster }));
  expect((await node.of(1)).prevHash).toBe(prefixed(noHash));
});

test("the path of every entry is that of the definition, at every size", async () => {
  for (let size = 1; size <= entries.length; size += 1) {
    const node = nodeWith(replicaIn({ entries, certificate: await certified(size), roster }));
    const hashes = hashesOf(entries.slice(0, size));
    for (let index = 1; index <= size; index += 1) {
      const { path, entry, prevHash } = await node.of(index);
      expect(path).toEqual(plainPath(index, hashes).map(prefixed));
      const parts = [prevHash, entry].map((hex) => Buffer.from(hex.slice(2), "hex"));
      expect(sha256(...parts)).toBe(hashes[index - 1]);
    }
  }
});

/** Signatures that cost nothing: each is its signer's address. */
const named: RecoverVoucher = async (_checkpoint, signature) => memberId(signature);
const namedBy = (certificate: Omit<Certificate, "signatures">): Certificate => ({
  ...certificate,
  signatures: [0, 1].map((slot) => ({ member: addressIn(slot), signature: addressIn(slot) })),
});
const longLog = logOf(400);

test("paths stay right while the log grows, is certified further and is compacted", async () => {
  const spot = fc.nat({ max: 10_000 });
  const moves = fc.array(fc.record({ further: spot, compacted: spot, asked: fc.array(spot) }), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(moves, async (steps) => {
      let [size, before] = [0, 0];
      const node = nodeWith(replicaIn({ entries: longLog, certificate: null, roster }), named);
      for (const { further, compacted, asked } of steps) {
        size += further % (longLog.length - size + 1);
        if (size === 0) continue;
        before += compacted % (size - before + 1);
        const certificate = namedBy({ checkpoint: checkpointOf(longLog, size) });
        node.become(replicaIn({ entries: longLog, certificate, roster, before }));
        for (const at of asked.map((one) => before + 1 + (one % (size - before + 1)))) {
          if (at > size) continue;
          const expected = plainPath(at, hashesOf(longLog.slice(0, size)));
          expect((await node.of(at)).path).toEqual(expected.map(prefixed));
        }
      }
    }),
  );
});

test("a path under a certificate that others were made under costs few hashes", async () => {
  const many = logOf(5_000);
  const certificate = namedBy({ checkpoint: checkpointOf(many, many.length) });
  const replica = replicaIn({ entries: many, certificate, roster });
  let hashed = 0;
  const counting: TreeHash = {
    leaf(entryHash) {
      hashed += 1;
      return sha256Tree.leaf(entryHash);
    },
    node(left, right) {
      hashed += 1;
      return sha256Tree.node(left, right);
    },
  };
  const setup = { ...replica.setup, treeHash: counting };
  const node = nodeWith({ ...replica, setup }, named);
  await node.of(2_500);
  expect(hashed).toBeGreaterThan(many.length);
  for (const index of [1, 2, 999, 2_501, 4_096, 4_097, 5_000]) {
    hashed = 0;
    await node.of(index);
    expect(hashed).toBeLessThan(200);
  }
});

test("an entry beyond the newest certificate has no receipt yet", async () => {
  const replica = replicaIn({ entries, certificate: await certified(20), roster });
  expect(await faultOf(nodeWith(replica).of(21))).toEqual(notYet(20));
  expect(await faultOf(nodeWith(replica).of(41))).toEqual(notYet(20));
  await expect(nodeWith(replica).of(20)).resolves.toMatchObject({ index: 20 });
});

test("without a certificate, or without a view of the contract, there is none yet", async () => {
  const none = replicaIn({ entries, certificate: null, roster });
  expect(await faultOf(nodeWith(none).of(1))).toEqual(notYet(0));
  const blind = replicaIn({ entries, certificate: await certified(20), roster });
  expect(await faultOf(nodeWith({ ...blind, view: null }).of(1))).toEqual(notYet(0));
});

test("an entry that was compacted away has no receipt any more", async () => {
  const node = nodeWith(
    replicaIn({ entries, certificate: await certified(20), roster, before: 12 }),
  );
  const compacted = { code: "receipt.compacted", firstIndex: 13 };
  expect(await faultOf(node.of(1))).toEqual(compacted);
  expect(await faultOf(node.of(12))).toEqual(compacted);
  await expect(node.of(13)).resolves.toMatchObject({ prevHash: prefixed(entries[11]?.hash ?? "") });
});

test("a certificate ahead of what is committed here does not hide the one before", async () => {
  const node = nodeWith(replicaIn({ entries, certificate: await certified(20), roster }));
  await node.of(3);
  node.become(replicaIn({ entries, certificate: await certified(30), roster, commitIndex: 25 }));
  expect((await node.of(3)).checkpoint.index).toBe(20);
  expect(await faultOf(node.of(24))).toEqual(notYet(20));
  node.become(replicaIn({ entries, certificate: await certified(30), roster, commitIndex: 30 }));
  expect((await node.of(3)).checkpoint.index).toBe(30);
});

async function forgedBy(slot: number, index: number, slots: readonly number[]) {
  const honest = await certified(index, slots);
  const other = await certified(index - 1, slots);
  const signatures = honest.signatures.map((one, at) =>
    one.member === addressIn(slot) ? { ...one, ...other.signatures[at] } : one,
  );
  return { ...honest, signatures };
}

test("a signature that its member did not make is left out", async () => {
  const certificate = await forgedBy(1, 20, [0, 1, 2]);
  const { signatures } = await nodeWith(replicaIn({ entries, certificate, roster })).of(3);
  expect(signatures.map(({ slot }) => slot)).toEqual([0, 2]);
});

test("a certificate that falls short without wrong signatures counts for nothing", async () => {
  const short = await forgedBy(1, 20, [0, 1]);
  const node = nodeWith(replicaIn({ entries, certificate: short, roster }));
  expect(await faultOf(node.of(3))).toEqual(notYet(0));
  node.become(replicaIn({ entries, certificate: await certified(10), roster }));
  await node.of(3);
  node.become(replicaIn({ entries, certificate: short, roster }));
  expect((await node.of(3)).checkpoint.index).toBe(10);
});

test("who is revoked or no member any more does not count", async () => {
  const certificate = await certified(20, [0, 1, 2]);
  const revoked = replicaIn({ entries, certificate, roster, view: { revoked: [addressIn(1)] } });
  const { signatures } = await nodeWith(revoked).of(3);
  expect(signatures.map(({ slot }) => slot)).toEqual([0, 2]);

  const larger = rosterIn([1, 2, 3, 4]);
  const changed = replicaIn({ entries, certificate, roster: larger });
  expect(await faultOf(nodeWith(changed).of(3))).toEqual(notYet(0));
});

test("a checkpoint from before the last cold start has no receipts", async () => {
  const certificate = await certified(20);
  const later = replicaIn({ entries, certificate, roster, view: { coldTerm: term(2) } });
  expect(await faultOf(nodeWith(later).of(3))).toEqual(notYet(0));
});

test("each signature of a certificate is recovered once", async () => {
  const node = nodeWith(replicaIn({ entries, certificate: await certified(20), roster }));
  await Promise.all([1, 2, 3, 4].map((index) => node.of(index)));
  await node.of(5);
  expect(node.recovered).toHaveLength(2);
});

test("a root that is not this log's is a defect, not a receipt", async () => {
  const other = checkpointOf(logOf(19), 19);
  const certificate = await certificateBy([0, 1], { ...other, index: 20 });
  const node = nodeWith(replicaIn({ entries, certificate, roster }));
  await expect(node.of(3)).rejects.toThrow(/a quorum signed the root/);
});
