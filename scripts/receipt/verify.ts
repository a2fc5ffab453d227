/**
 * Holds a receipt against the contract's roster, step by step and offline.
 *
 * Safety assumes: the roster is the contract's, and SHA-256, keccak-256 and secp256k1 hold. Who the
 * receipt says has signed is compared, never believed.
 */
import { z } from "zod";
import { createVoucherRecoverer } from "../../node/src/chain/vouchers.ts";
import type { Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import { type Entry, readEntry } from "../../node/src/consensus/entry.ts";
import { type Hash, hash, term } from "../../node/src/consensus/ids.ts";
import { rootOfPath } from "../../node/src/consensus/merkle.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import { type Receipt, receiptSchema } from "../../node/src/runtime/receipt.ts";
import { sha256Chain, sha256Tree } from "../../node/src/storage/digest.ts";
import type { SavedRoster } from "./roster.ts";

/**
 * `ignored`: a signature that is its signer's own, by who is not on the roster or was revoked. It
 * does not count, and does no harm: members come and go.
 */
export type Result = "ok" | "failed" | "ignored";
export type StepTaken = {
  readonly step: string;
  readonly result: Result;
  readonly detail: string;
};

export type Verdict = {
  /** True when no step failed. */
  readonly holds: boolean;
  readonly steps: readonly StepTaken[];
  /** null when the format is not a receipt's. */
  readonly receipt: Receipt | null;
  /** null when the bytes are not an entry. */
  readonly entry: Entry | null;
};

/** @param text JSON, as `GET /receipts/{index}` answers it */
export async function verifyReceipt(text: string, roster: SavedRoster): Promise<Verdict> {
  const parsed = receiptSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const detail = z.prettifyError(parsed.error).replaceAll("\n", " ");
    return verdictOf([failed("format", detail)], null, null);
  }
  const receipt = parsed.data;
  const entry = entryOf(receipt);
  const signatures = await Promise.all(
    receipt.signatures.map((signature) => checkSignature(receipt, signature, roster)),
  );
  const counted = signatures.filter(({ result }) => result === "ok").length;
  const steps = [
    ok("format", `a receipt of format ${receipt.format}`),
    checkCluster(receipt, roster),
    checkEntry(receipt, entry),
    checkPath(receipt),
    ...signatures,
    checkQuorum(counted, roster),
    checkColdTerm(receipt, roster),
  ];
  return verdictOf(steps, receipt, entry);
}

/** With one more step, taken elsewhere. */
export function withStep({ steps, receipt, entry }: Verdict, step: StepTaken): Verdict {
  return verdictOf([...steps, step], receipt, entry);
}

function verdictOf(
  steps: readonly StepTaken[],
  receipt: Receipt | null,
  entry: Entry | null,
): Verdict {
  return { holds: steps.every(({ result }) => result !== "failed"), steps, receipt, entry };
}

function checkCluster({ chainId, contract }: Receipt, roster: SavedRoster): StepTaken {
  const own = `contract ${contract} on chain ${chainId}`;
  if (chainId === roster.chainId && contract === roster.contract) return ok("cluster", own);
  const expected = `contract ${roster.contract} on chain ${roster.chainId}`;
  return failed("cluster", `expected ${expected}, got ${own}`);
}

function checkEntry({ index, term: inTerm }: Receipt, entry: Entry | null): StepTaken {
  if (entry === null) return failed("entry", "the bytes are not a log entry");
  const own = `entry ${entry.index} of term ${entry.term}`;
  return entry.index === index && entry.term === inTerm
    ? ok("entry", `${own}, hash ${entry.hash}`)
    : failed("entry", `expected entry ${index} of term ${inTerm}, the bytes say ${own}`);
}

function checkPath({ index, prevHash, entry, path, checkpoint }: Receipt): StepTaken {
  const entryHash = sha256Chain(digits(prevHash), bytesOf(entry));
  const place = { index, size: checkpoint.index, entryHash };
  const root = rootOfPath(place, path.map(digits), sha256Tree);
  const where = `entry ${index} of ${checkpoint.index}`;
  if (root === digits(checkpoint.logRoot)) {
    return ok("Merkle path", `${path.length} hashes lead from ${where} to the log root ${root}`);
  }
  const reached = root === null ? `a path of ${path.length} hashes has no place there` : root;
  return failed("Merkle path", `${where}: expected root ${checkpoint.logRoot}, got ${reached}`);
}

type Signature = Receipt["signatures"][number];

async function checkSignature(
  { chainId, contract, checkpoint }: Receipt,
  { slot, wallet, signature }: Signature,
  { members }: SavedRoster,
): Promise<StepTaken> {
  const step = `signature ${slot}`;
  const recover = createVoucherRecoverer({ chainId, contract });
  const signer = await recover(checkpointOf(checkpoint), signature);
  if (signer === null) return failed(step, "not a signature with low s and v 27 or 28");
  if (signer !== wallet) return failed(step, `expected it by ${wallet}, it is by ${signer}`);
  const member = members.find((one) => one.wallet === signer);
  if (member === undefined) return ignored(step, `by ${signer}, who is not on the roster`);
  if (member.revoked) return ignored(step, `by ${signer}, who was revoked`);
  return member.slot === slot
    ? ok(step, `by ${signer}, the member in slot ${slot}`)
    : failed(step, `by ${signer}: expected slot ${member.slot}, as the roster has it`);
}

function checkQuorum(counted: number, { members, term: inTerm, block }: SavedRoster): StepTaken {
  // Of those registered so far a quorum is a quorum of nothing.
  if (inTerm === 0) return failed("quorum", "the contract's term 1 has not begun");
  const needed = quorumSize(members.length);
  const of = `of ${members.length} members signed, ${needed} are needed`;
  const detail = `${counted} ${of}; roster of term ${inTerm} at block ${block.number}`;
  return counted >= needed ? ok("quorum", detail) : failed("quorum", detail);
}

function checkColdTerm({ checkpoint: { coldTerm } }: Receipt, roster: SavedRoster): StepTaken {
  const last =
    coldTerm === 0 ? "there was no cold start" : `the last cold start is term ${coldTerm}`;
  return coldTerm === roster.coldTerm
    ? ok("cold term", `${coldTerm}, as the contract's: ${last}`)
    : failed("cold term", `expected ${roster.coldTerm}, as the contract has it, got ${coldTerm}`);
}

function entryOf({ entry, prevHash }: Receipt): Entry | null {
  return readEntry(bytesOf(entry), digits(prevHash), sha256Chain);
}

function checkpointOf({ coldTerm, index, logRoot, stateHash }: Receipt["checkpoint"]): Checkpoint {
  const hashes = { logRoot: digits(logRoot), stateHash: digits(stateHash) };
  return { coldTerm: term(coldTerm), index, ...hashes };
}

const ok = (step: string, detail: string): StepTaken => ({ step, result: "ok", detail });
const failed = (step: string, detail: string): StepTaken => ({ step, result: "failed", detail });
const ignored = (step: string, detail: string): StepTaken => ({ step, result: "ignored", detail });
const digits = (word: string): Hash => hash(word.slice(2));
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.slice(2), "hex");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
