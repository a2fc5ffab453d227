/** That a quote speaks for this member, through this boot key, on this cluster, now. */
import type { Evidence } from "../../node/src/tee/appraise.ts";
import { check } from "../../node/src/tee/check.ts";
import { statementChecks } from "../../node/src/tee/statement.ts";
import type { Presented, Standards } from "./evidence.ts";
import { type Finding, failed, findingOf, ok } from "./finding.ts";

/** Of the report data: the statement takes the first half, the nonce the second. */
const halfDigits = 64;

/** @throws ChainError when the block cannot be looked up */
export async function bindingFindings(
  { proof, quote }: Evidence,
  { member, nonce }: Pick<Presented, "member" | "nonce">,
  standards: Standards,
): Promise<readonly Finding[]> {
  const saidNonce = quote.reportData.slice(halfDigits);
  // Recomputed for the contract's wallet and the verifier's own chain and contract.
  const expected = { quote, proof: { ...proof, wallet: member.id } };
  const statement = statementChecks(expected, standards.cluster, saidNonce);
  return [
    findingOf("roster", check("wallet", member.id, proof.wallet)),
    ...statement.map((one) => findingOf("roster", one)),
    findingOf("freshness", check("nonce", nonce, saidNonce)),
    ...(await blockFindings(proof, standards)),
  ];
}

async function blockFindings(
  { blockNumber, blockHash }: Evidence["proof"],
  { head, blockAt, maxAgeMs }: Standards,
): Promise<readonly Finding[]> {
  const block = await blockAt(BigInt(blockNumber));
  if (block?.hash !== blockHash) {
    const expected = `block ${blockNumber} ${block?.hash ?? "to be on the chain"}`;
    return [
      failed("freshness", "block", { expected, actual: `block ${blockNumber} ${blockHash}` }),
    ];
  }
  const ageMs = Math.max(0, head.timestampMs - block.timestampMs);
  const actual = `block ${blockNumber}, ${ageMs / 1_000} s before the newest`;
  if (ageMs <= maxAgeMs) return [ok("freshness", "block", actual)];
  const expected = `a block at most ${maxAgeMs / 1_000} s before the newest`;
  return [failed("freshness", "block", { expected, actual })];
}
