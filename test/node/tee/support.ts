/** Boots that prove themselves to verifiers, by the real simulator and a pretended chain. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { Admission, BootProof, ProveBoot } from "../../../node/src/runtime/attestation.ts";
import type { Block } from "../../../node/src/runtime/ports.ts";
import type { MemberOnRecord } from "../../../node/src/tee/appraise.ts";
import { readTrustSettings } from "../../../node/src/tee/attestation.ts";
import { createChainSight } from "../../../node/src/tee/chainSight.ts";
import { createCollateralStore } from "../../../node/src/tee/collateralStore.ts";
import type { Enclave } from "../../../node/src/tee/enclave.ts";
import { createBootProver } from "../../../node/src/tee/proveBoot.ts";
import { createVerifierProcess } from "../../../node/src/tee/verifierProcess.ts";
import { type BootVerifier, createBootVerification } from "../../../node/src/tee/verifyBoot.ts";
import { recordingLog } from "../../support/recorders.ts";
import type { Simulator } from "../../support/simulator.ts";

export const cluster = { chainId: 31_337, contract: `0x${"c0".repeat(20)}` };
export const key = bootKey("b2".repeat(32));

export type TestChain = ReturnType<typeof chainOf>;

/** A chain of blocks two seconds apart, which can be extended, reorganised and taken away. */
export function chainOf(length: number, admission: Admission) {
  const at = (number: bigint, fork = "a"): Block => ({
    number,
    hash: `0x${fork}${number.toString(16).padStart(63, "0")}`,
    timestampMs: Number(number) * 2_000,
  });
  const blocks = Array.from({ length }, (_, number) => at(BigInt(number)));
  const state = { away: false, admission };
  function reach(): void {
    if (state.away) throw new ClusterError({ code: "chain.unreachable" }, "the chain is away");
  }
  return {
    state,
    /** What the contract answers; a function of what it was asked would hide nothing here. */
    async readAdmission() {
      reach();
      return state.admission;
    },
    /** Gives the newest block this time. */
    stamp(timestampMs: number) {
      const newest = blocks.at(-1);
      if (newest !== undefined) blocks[blocks.length - 1] = { ...newest, timestampMs };
    },
    extend(count: number) {
      for (let more = 0; more < count; more += 1) blocks.push(at(BigInt(blocks.length)));
    },
    reorganise(fromNumber: number) {
      blocks.forEach((block, number) => {
        if (number >= fromNumber) blocks[number] = at(block.number, "f");
      });
    },
    async head() {
      reach();
      const head = blocks.at(-1);
      if (head === undefined) throw new Error("no block");
      return head;
    },
    async blockAt(number: bigint) {
      reach();
      return blocks[Number(number)] ?? null;
    },
  };
}

/** All that a contract for the simulator's app allows. */
export function admissionOf({ appId, kmsRoot }: Simulator): Admission {
  return {
    appId,
    kmsRoot: memberId(kmsRoot.toLowerCase()),
    composeHashAllowed: true,
    deviceAllowed: true,
    osImageAllowed: true,
    osImagesRestricted: false,
    tcbUpToDateRequired: false,
  };
}

export function proverOf(enclave: Enclave, chain: TestChain, bound = cluster): ProveBoot {
  const { head, blockAt } = chain;
  const { log } = recordingLog();
  return createBootProver({ enclave, bootKey: key, cluster: bound, head, blockAt, log });
}

export type VerifierChange = Partial<BootVerifier> & {
  readonly graceMs?: number;
  readonly ageMsMax?: number;
  readonly collateralGraceMs?: number;
  readonly clockMs?: () => number;
  readonly dateMs?: () => number;
  readonly directory?: string;
  readonly osMeasurements?: string;
};

/** A verifier of its own thread and cache, which end with the test. */
export function verificationOf(
  simulator: Simulator,
  chain: TestChain,
  record: MemberOnRecord,
  change: VerifierChange = {},
) {
  const { log, lines } = recordingLog();
  const { head, blockAt, readAdmission } = chain;
  const { clockMs, dateMs, ageMsMax = 600_000, graceMs = 3_600_000 } = change;
  const settings = readTrustSettings({
    attestationRoot: simulator.attestationRoot,
    osMeasurements: change.osMeasurements,
    tcbStatusesAllowed: ["UpToDate", "SWHardeningNeeded"],
  });
  const directory = change.directory ?? temporaryDirectory();
  const signatures = createVerifierProcess();
  onTestFinished(() => signatures.close());
  const collateral = createCollateralStore({
    pccsUrl: simulator.pccs ?? "http://127.0.0.1:1",
    root: settings.root,
    directory,
    graceMs: change.collateralGraceMs ?? 0,
    refreshAfterMs: 3_600_000,
    fetchMsMax: 60_000,
    log,
    ...(clockMs === undefined ? {} : { clockMs }),
  });
  const sight = { head, blockAt, readAdmission, log, ageMsMax, graceMs, clockMs, dateMs };
  const verification = createBootVerification({
    cluster,
    chain: createChainSight(sight),
    recordOf: () => record,
    collateral,
    verifySignatures: signatures.verify,
    ...settings,
    ...change,
  });
  return { ...verification, lines };
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "attestation-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export async function faultOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  return error instanceof ClusterError ? error.fault : error;
}

export type { BootProof };
