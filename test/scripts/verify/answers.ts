/** A member as it answers `GET /attestation?nonce=`, by the real simulator and a pretended chain. */
import { hexToBytes } from "@noble/hashes/utils";
import type { Admission, BootProof } from "../../../node/src/runtime/attestation.ts";
import type { Certificate } from "../../../node/src/tee/certificates.ts";
import type { Collateral } from "../../../node/src/tee/collateral.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { fetchCollateral } from "../../../node/src/tee/pccs.ts";
import { bootReportData } from "../../../node/src/tee/reportData.ts";
import { evidenceOf } from "../../../node/src/tee/verifyBoot.ts";
import type { Presented, Standards } from "../../../scripts/verify/evidence.ts";
import { admissionOf, chainOf, cluster, proverOf, type TestChain } from "../../node/tee/support.ts";
import { recordingLog } from "../../support/recorders.ts";
import type { Simulator } from "../../support/simulator.ts";

export const nonce = "5a".repeat(32);
export { admissionOf, chainOf, cluster };

export async function enclaveOf(simulator: Simulator, instance = 0): Promise<Enclave> {
  const { log } = recordingLog();
  return openEnclave({ endpoint: simulator.sockets[instance], log });
}

/** As `attest` of node/src/compose.ts answers. */
export async function attestation(
  enclave: Enclave,
  chain: TestChain,
  asked = nonce,
  of = cluster,
): Promise<BootProof> {
  const proof = await proverOf(enclave, chain, of)();
  const reportData = bootReportData({ ...of, ...proof, blockNumber: BigInt(proof.blockNumber) });
  reportData.set(hexToBytes(asked), 32);
  return { ...proof, ...(await enclave.quote(reportData)) };
}

/** As the simulator's PCCS serves it at the moment. */
export async function collateralOf(simulator: Simulator, proof: BootProof): Promise<Collateral> {
  const url = simulator.pccs ?? "";
  return fetchCollateral(evidenceOf(proof).pck, { url, timeoutMs: 5_000 });
}

export function presented(
  enclave: Enclave,
  answer: BootProof,
  served: Collateral | null,
): Presented {
  const { wallet, instanceId } = enclave;
  return { member: { id: wallet.address, instanceId }, nonce, answer, served };
}

export async function standardsOf(
  chain: TestChain,
  root: Certificate,
  change: Partial<Standards> & { readonly admission?: Partial<Admission> } = {},
): Promise<Standards> {
  const { admission, ...rest } = change;
  const { blockAt, state } = chain;
  return {
    cluster,
    head: await chain.head(),
    blockAt,
    readAdmission: async () => ({ ...state.admission, ...admission }),
    root,
    policy: { tcbStatusesAllowed: ["UpToDate"], osMeasurements: [] },
    composeHashes: [],
    maxAgeMs: 600_000,
    nowMs: Date.now(),
    collateralFor: async (_, served) => {
      if (served === null) throw new Error("the member serves collateral in these tests");
      return served;
    },
    ...rest,
  };
}
