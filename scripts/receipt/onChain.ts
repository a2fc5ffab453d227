/** What the contract itself says of a receipt. */
import * as AbiFunction from "ox/AbiFunction";
import { refusalOf } from "../../node/src/chain/refusal.ts";
import { answerAs, type Endpoint, hexText } from "../../node/src/chain/rpc.ts";
import { packSignatures } from "../../node/src/chain/signatures.ts";
import type { Receipt } from "../../node/src/runtime/receipt.ts";
import type { StepTaken, Verdict } from "./verify.ts";

/** The overload that takes the certificate with it, from ICheckpoints.sol. */
const verifyReceipt = AbiFunction.from([
  "struct Checkpoint { uint64 coldTerm; uint64 index; bytes32 logRoot; bytes32 stateHash; }",
  "function verifyReceipt(uint64 index, bytes32 prevHash, bytes entry, bytes32[] path, " +
    "Checkpoint checkpoint, uint256 signerBitmap, bytes signatures) view returns (bool)",
]);
const step = "on-chain";

/**
 * Asks the contract, with the signatures that were not ignored offline: the contract refuses a
 * certificate that names anyone who is not on the roster.
 *
 * @throws ChainError chain.unreachable
 */
export async function askContract(
  rpc: Endpoint,
  contract: string,
  { receipt, steps }: Verdict,
): Promise<StepTaken> {
  if (receipt === null)
    return { step, result: "failed", detail: "there is no receipt to ask about" };
  const ignored = new Set(
    steps.filter(({ result }) => result === "ignored").map((one) => one.step),
  );
  const kept = receipt.signatures.filter(({ slot }) => !ignored.has(`signature ${slot}`));
  try {
    const data = callData(receipt, kept);
    const answer = answerAs(
      hexText,
      await rpc.call("eth_call", [{ to: contract, data }, "latest"]),
      "eth_call",
    );
    const holds = AbiFunction.decodeResult(verifyReceipt, answer as `0x${string}`);
    return { step, result: holds ? "ok" : "failed", detail: `verifyReceipt answers ${holds}` };
  } catch (error) {
    const refusal = refusalOf("verifyReceipt", error);
    if (refusal.fault.code !== "chain.reverted") throw refusal;
    return { step, result: "failed", detail: refusal.message };
  }
}

function callData(receipt: Receipt, signatures: Receipt["signatures"]): `0x${string}` {
  const { index, prevHash, entry, path, checkpoint } = receipt;
  const { coldTerm, index: size, logRoot, stateHash } = checkpoint;
  const words = { coldTerm: BigInt(coldTerm), index: BigInt(size), logRoot, stateHash };
  const { signerBitmap, blob } = packSignatures(signatures);
  return AbiFunction.encodeData(verifyReceipt, [
    BigInt(index),
    prevHash,
    entry,
    [...path],
    words,
    signerBitmap,
    blob,
  ]);
}
