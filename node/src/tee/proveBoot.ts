/** Makes this boot's proof: a quote that binds wallet, boot key, cluster and a recent block. */
import { bytesToHex } from "@noble/hashes/utils";
import type { BootKey } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { BootProof, ProveBoot } from "../runtime/attestation.ts";
import type { Block, Log } from "../runtime/ports.ts";
import type { Enclave } from "./enclave.ts";
import { bootHash, bootReportData } from "./reportData.ts";
import { personalHash } from "./wallet.ts";

export type BootProver = {
  readonly enclave: Pick<Enclave, "wallet" | "quote" | "keyProof">;
  readonly bootKey: BootKey;
  readonly cluster: { readonly chainId: number; readonly contract: string };
  readonly head: () => Promise<Block>;
  /** The block of that number on the present chain; null when there is none. */
  readonly blockAt: (number: bigint) => Promise<Block | null>;
  readonly log: Log;
  /** From here on a new quote is made; half of what verifiers accept leaves room for both clocks. */
  readonly renewAfterMs?: number;
  readonly nowMs?: () => number;
};

// Endpoints of different members lag behind one another by a block or two, and the newest blocks
// are the ones that are replaced: a verifier would not know them.
const blocksBehindHead = 2n;
const recheckAfterMs = 5_000;

type Held = { readonly proof: BootProof; readonly madeMs: number; checkedMs: number };

/**
 * One proof serves all peers until it is `renewAfterMs` old (default 5 minutes). Whether its block
 * is still on the chain is looked up beside, so that a call waits for chain and quote only when
 * there is no fresh proof. While either is away, the last proof is given.
 *
 * @throws EnclaveError, ChainError as long as there is no proof at all
 */
export function createBootProver(prover: BootProver): ProveBoot {
  const { renewAfterMs = 300_000, nowMs = () => performance.now(), log } = prover;
  let held: Held | null = null;
  let renewal: Promise<BootProof> | null = null;

  async function proveBoot(): Promise<BootProof> {
    if (held === null) return await renew();
    if (nowMs() - held.madeMs >= renewAfterMs) {
      const { proof } = held;
      return await renew().catch((error: unknown) => {
        logFailure(error);
        return proof;
      });
    }
    if (nowMs() - held.checkedMs >= recheckAfterMs) recheck(held);
    return held.proof;
  }

  function renew(): Promise<BootProof> {
    renewal ??= makeProof(prover)
      .then((proof) => {
        held = { proof, madeMs: nowMs(), checkedMs: nowMs() };
        return proof;
      })
      .finally(() => {
        renewal = null;
      });
    return renewal;
  }

  function recheck(current: Held): void {
    current.checkedMs = nowMs();
    const { blockNumber, blockHash } = current.proof;
    prover
      .blockAt(BigInt(blockNumber))
      .then((block) => (block?.hash === blockHash ? current.proof : renew()))
      .catch(logFailure);
  }

  function logFailure(error: unknown): void {
    const fault = error instanceof ClusterError ? error.fault : { reason: String(error) };
    log.warn({ fault }, "no new boot proof could be made; the last one is still used");
  }

  return proveBoot;
}

async function makeProof(prover: BootProver): Promise<BootProof> {
  const { enclave, bootKey, cluster } = prover;
  const head = await prover.head();
  const number = head.number > blocksBehindHead ? head.number - blocksBehindHead : 0n;
  const block = (await prover.blockAt(number)) ?? head;
  const { wallet } = enclave;
  const statement = {
    ...cluster,
    wallet: wallet.address,
    bootKey,
    blockNumber: block.number,
    blockHash: block.hash,
  };
  const { quote, eventLog } = await enclave.quote(bootReportData(statement));
  return {
    wallet: wallet.address,
    bootKey,
    blockNumber: block.number.toString(),
    blockHash: block.hash,
    quote,
    eventLog,
    signature: proofSignature(wallet.sign(personalHash(bootHash(statement)))),
    keyProof: enclave.keyProof,
  };
}

/** As wallets and EVM tools write it: v is 27 or 28. */
function proofSignature(signature: Uint8Array): string {
  const [v = 0] = signature.subarray(64);
  return `0x${bytesToHex(signature.subarray(0, 64))}${(v + 27).toString(16)}`;
}
