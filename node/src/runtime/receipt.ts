/**
 * A receipt: what convinces someone who trusts the contract's roster, and no node, that an entry is
 * in the log (protocol.md, "Checkpoints").
 *
 * The entry's hash is SHA-256(prevHash ‖ entry); `path` leads from it to the root of the tree over
 * the log up to the checkpoint; a quorum of the roster signed the checkpoint. `term`, and who is
 * said to have signed, are there to be read: a verifier takes them from the entry's bytes, the
 * signatures and the roster.
 */
import { z } from "zod";

const hexBytes = (digits: RegExp) => z.templateLiteral(["0x", z.string().regex(digits)]);
const word = hexBytes(/^[0-9a-f]{64}$/);
const address = hexBytes(/^[0-9a-f]{40}$/);
const count = z.number().int().nonnegative();
const position = z.number().int().positive();

/** RFC 9162 paths grow by one hash as the log doubles; an index is below 2^53. */
const pathLengthMax = 53;

const signature = z.strictObject({
  slot: z.number().int().min(0).max(255),
  wallet: address,
  /** EIP-712 `Checkpoint` over the contract's domain, 65 bytes. */
  signature: hexBytes(/^[0-9a-f]{130}$/),
});

export const receiptSchema = z.strictObject({
  format: z.literal(1),
  chainId: position,
  contract: address,
  index: position,
  term: position,
  /** The entry's bytes, as consensus/entry.ts lays them out. */
  entry: hexBytes(/^(?:[0-9a-f]{2})+$/),
  prevHash: word,
  /** From the leaf up. */
  path: z.array(word).max(pathLengthMax).readonly(),
  checkpoint: z.strictObject({
    coldTerm: count,
    index: position,
    logRoot: word,
    stateHash: word,
  }),
  signatures: z
    .array(signature)
    .readonly()
    .refine(isAscending, { error: "expected ascending slots, each once" }),
});

export type Receipt = Readonly<z.infer<typeof receiptSchema>>;

function isAscending(signatures: readonly { readonly slot: number }[]): boolean {
  return signatures.every(({ slot }, at) => at === 0 || slot > (signatures[at - 1]?.slot ?? slot));
}
