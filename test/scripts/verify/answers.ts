/** A member as it answers `GET /attestation?nonce=`, by the real simulator and a pretended chain. */
import type { Admission } from "../../../node/src/runtime/attestation.ts";
import type { Attestation } from "../../../node/src/runtime/service.ts";
import type { Certificate } from "../../../node/src/tee/certificates.ts";
import type { Collateral } from "../../../node/src/tee/collateral.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { fetchCollateral } from "../../../node/src/tee/pccs.ts";
import { createPresenter } from "../../../node/src/tee/present.ts";
import { unverifiable } from "../../../node/src/tee/quote.ts";
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

/** What the node's own code answers, with the collateral that the simulator serves. */
export async function attestation(
  enclave: Enclave,
  chain: TestChain,
  { simulator, asked = nonce }: { readonly simulator?: Simulator; readonly asked?: string } = {},
): Promise<Attestation> {
  const present = createPresenter({
    cluster,
    enclave,
    prove: proverOf(enclave, chain),
    collateralFor: async (model) => {
      const url = simulator?.pccs ?? null;
      if (url === null) throw unverifiable("there is none");
      return fetchCollateral(model, { url, timeoutMs: 5_000 });
    },
    ownCheckpoints: () => [],
  });
  return present(asked);
}

export function presented(
  { wallet, instanceId }: Enclave,
  answer: Attestation,
  served: Collateral | null,
): Presented {
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
