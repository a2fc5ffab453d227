/** Who will be a member, as its own guest agent says: the very derivation that the node uses. */
import type { Log } from "../../node/src/runtime/ports.ts";
import { openEnclave } from "../../node/src/tee/enclave.ts";

export type AgentAddress = {
  /** What the token is called; for people. */
  readonly name: string;
  /** A socket's path, or an http URL. */
  readonly endpoint: string;
};

export type Candidate = {
  readonly name: string;
  readonly wallet: string;
  readonly kmsRoot: string;
  /** Lower-case hex without 0x, 20 and 32 bytes. */
  readonly appId: string;
  readonly composeHash: string;
};

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** @throws EnclaveError, or a TimeoutError when an agent does not answer within `timeoutMs` */
export function readCandidates(
  agents: readonly AgentAddress[],
  timeoutMs: number,
): Promise<readonly Candidate[]> {
  return Promise.all(agents.map((agent) => readCandidate(agent, timeoutMs)));
}

async function readCandidate(agent: AgentAddress, timeoutMs: number): Promise<Candidate> {
  const { name, endpoint } = agent;
  const signal = AbortSignal.timeout(timeoutMs);
  let waitedFor = "its answer";
  const onWaiting = (reason: string) => {
    waitedFor = reason;
  };
  const enclave = await openEnclave({ endpoint, log: silent, signal, onWaiting }).catch((error) => {
    if (!signal.aborted) throw error;
    throw new Error(`no identity of ${name} in ${timeoutMs} ms: ${waitedFor}`, { cause: error });
  });
  const { wallet, kmsRoot, appId, composeHash } = enclave;
  return { name, wallet: wallet.address, kmsRoot, appId, composeHash };
}
