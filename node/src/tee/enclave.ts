/**
 * This process's enclave: who dstack says it is, the wallet it was given, and quotes.
 *
 * Safety assumes: the socket is the guest agent's own, as it is inside a CVM.
 * Liveness assumes: the guest agent answers sooner or later; until then `openEnclave` waits.
 */
import type { MemberId } from "../consensus/ids.ts";
import type { KeyProof, Wallet } from "../runtime/attestation.ts";
import type { Log } from "../runtime/ports.ts";
import { retry } from "../runtime/retry.ts";
import { type Agent, guestAgent, type Quoted } from "./agent.ts";
import { EnclaveError, proveKey, walletKeyOf } from "./keyProof.ts";
import { walletOf } from "./wallet.ts";

export type Enclave = {
  /** 20 bytes, lower-case hex. */
  readonly instanceId: string;
  /** 20 bytes, lower-case hex. */
  readonly appId: string;
  /** 32 bytes, lower-case hex. */
  readonly composeHash: string;
  readonly wallet: Wallet;
  readonly keyProof: KeyProof;
  /** Address of the KMS root behind `keyProof`. */
  readonly kmsRoot: MemberId;
  /**
   * @param reportData at most 64 bytes; the agent pads with zeros on the right
   * @throws EnclaveError
   */
  quote(reportData: Uint8Array): Promise<Quoted>;
};

/**
 * Reads identity and wallet from the guest agent, trying again until it answers.
 *
 * @param options.endpoint a socket's path or an http URL; undefined: where dstack puts its socket
 * @param options.onWaiting told what the node waits for, at every failed attempt
 * @throws the signal's reason, once it is aborted
 */
export async function openEnclave(options: {
  readonly endpoint?: string | undefined;
  readonly log: Log;
  readonly onWaiting?: (reason: string) => void;
  readonly signal?: AbortSignal;
}): Promise<Enclave> {
  const { endpoint, log, onWaiting, signal } = options;
  const agent = guestAgent(endpoint);
  let said = "";
  const enclave = await retry(() => readEnclave(agent), {
    signal,
    onFailure(error) {
      if (!(error instanceof EnclaveError)) throw error;
      onWaiting?.(error.message);
      if (error.message !== said) log.warn({ fault: error.fault }, "waiting for the guest agent");
      said = error.message;
    },
  });
  const { instanceId, appId, composeHash, wallet, kmsRoot } = enclave;
  const identity = { instanceId, appId, composeHash, wallet: wallet.address, kmsRoot };
  log.info(identity, "the guest agent told who this node is");
  return enclave;
}

async function readEnclave(agent: Agent): Promise<Enclave> {
  const info = await agent.info();
  const { path, purpose } = walletKeyOf(info.instanceId);
  const answer = await agent.key(path, purpose);
  const { proof, kmsRoot } = proveKey(answer, purpose, info.appId);
  return {
    ...info,
    wallet: walletOf(answer.key),
    keyProof: proof,
    kmsRoot,
    quote: (reportData) => agent.quote(reportData),
  };
}
