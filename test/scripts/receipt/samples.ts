/** A receipt as a node hands it out, and the roster it holds against. */
import { encodeIncrement } from "../../../node/src/application/envelope.ts";
import type { Receipt } from "../../../node/src/runtime/receipt.ts";
import { createReceipts } from "../../../node/src/runtime/receipts.ts";
import type { SavedRoster } from "../../../scripts/receipt/roster.ts";
import {
  addressIn,
  certificateBy,
  checkpointOf,
  cluster,
  logOf,
  recoverVoucher,
  replicaIn,
  rosterIn,
} from "../../support/vouched.ts";

export const slots = [0, 1, 2, 5] as const;
const increment = { kind: "command", payload: encodeIncrement(5, "order 17") } as const;
const entries = logOf(40, { 7: increment, 8: { kind: "mark" } });

export const roster: SavedRoster = {
  format: 1,
  ...cluster,
  block: { number: 9, hash: `0x${"ee".repeat(32)}` },
  term: 2,
  coldTerm: 0,
  members: slots.map((slot) => ({
    slot,
    wallet: addressIn(slot) as `0x${string}`,
    revoked: false,
  })),
};

export async function receiptOf(
  index: number,
  signers: readonly number[] = [0, 1, 5],
): Promise<Receipt> {
  const certificate = await certificateBy(signers, checkpointOf(entries, 30));
  const replica = replicaIn({ entries, certificate, roster: rosterIn(slots) });
  return createReceipts({ replica: () => replica, recoverVoucher, cluster }).of(index);
}
