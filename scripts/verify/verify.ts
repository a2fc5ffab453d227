/** Asks and examines, again while what was found may be of two moments of a moving cluster. */
import { setTimeout as pause } from "node:timers/promises";
import { ChainError } from "../../node/src/chain/errors.ts";
import type { Collateral } from "../../node/src/tee/collateral.ts";
import { fetchCollateral } from "../../node/src/tee/pccs.ts";
import { unverifiable } from "../../node/src/tee/quote.ts";
import { reasonOf } from "../cluster/failure.ts";
import type { VerifyOptions } from "./cli.ts";
import { type ClusterOnChain, type Contract, openContract } from "./contract.ts";
import type { Standards } from "./evidence.ts";
import { examine, type MemberVerdict, type Verdict } from "./examine.ts";
import { gather } from "./gather.ts";
import type { Word } from "./logRoot.ts";
import type { Place, Trust } from "./place.ts";

const againMs = 500;

/**
 * @returns what the last look found
 * @throws ChainError when the contract cannot be asked
 */
export async function verifyCluster(
  options: VerifyOptions,
  place: Place,
  trust: Trust,
): Promise<Verdict> {
  const { timeoutMs } = options;
  const { nodeUrl } = place;
  const contract = openContract(place.endpoints, place.contract);
  const collateralFor = collateralSource(options, trust);
  const words: Word[] = [];
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const cluster = await readSettled(contract, untilMs);
    const gathered = await gather(cluster, { nodeUrl, timeoutMs });
    const standards = standardsFor({ options, trust, contract, cluster, collateralFor });
    const verdict = await examine(gathered, { standards, cluster, nodeUrl, timeoutMs, words });
    if (!mayChange(verdict) || performance.now() + againMs > untilMs) return verdict;
    await pause(againMs);
  }
}

/** Endpoints that are a block apart agree a moment later. */
async function readSettled(contract: Contract, untilMs: number): Promise<ClusterOnChain> {
  for (;;) {
    try {
      return await contract.read();
    } catch (error) {
      const isDisputed = error instanceof ChainError && error.fault.code === "chain.disputed";
      if (!isDisputed || performance.now() + againMs > untilMs) throw error;
    }
    await pause(againMs);
  }
}

/** Members are asked one after the other, the contract before them: a term may begin meanwhile. */
function mayChange({ members, given, logs }: Verdict): boolean {
  if (logs.forks.length > 0) return false;
  const others = given !== null && "findings" in given ? [given] : [];
  return [...members, ...others].some(failsForNow);
}

/** What time cannot mend ends the waiting. */
function failsForNow({ findings }: MemberVerdict): boolean {
  const failures = findings.filter(({ result }) => result === "failed");
  const isPassing = ({ check }: { check: string }) => passing.has(check);
  return failures.length > 0 && failures.every(isPassing);
}

const passing = new Set([
  "cluster",
  "term",
  "leader",
  "members",
  "boot key",
  "instance id",
  "log root",
]);

type Sources = {
  readonly options: VerifyOptions;
  readonly trust: Trust;
  readonly contract: Contract;
  readonly cluster: ClusterOnChain;
  readonly collateralFor: Standards["collateralFor"];
};

function standardsFor({ options, trust, contract, cluster, collateralFor }: Sources): Standards {
  const { tcbPolicy, composeHash, maxAgeMs } = options;
  return {
    cluster: { chainId: cluster.chainId, contract: cluster.contract },
    head: cluster.block,
    blockAt: contract.blockAt,
    readAdmission: contract.readAdmission,
    root: trust.root,
    policy: { tcbStatusesAllowed: tcbPolicy, osMeasurements: trust.osMeasurements },
    composeHashes: composeHash,
    maxAgeMs,
    // As nodes do: a clock that was turned back must not revive what has expired.
    nowMs: Math.max(Date.now(), cluster.block.timestampMs),
    collateralFor,
  };
}

/** Where Intel itself serves collateral, to anyone. */
const intelsService = "https://api.trustedservices.intel.com";

/** All of it is signed and dated: what a node serves is as good as its signatures. */
function collateralSource(
  { pccs, timeoutMs }: VerifyOptions,
  { rootIsIntels }: Trust,
): Standards["collateralFor"] {
  const url = pccs ?? (rootIsIntels ? intelsService : null);
  const fetched = new Map<string, Promise<Collateral>>();
  return async (pck, served) => {
    if (pccs === undefined && served !== null) return served;
    if (url === null) throw unverifiable("the node serves no collateral; expected --pccs URL");
    const model = `${pck.fmspc} ${pck.authority}`;
    const fetching = fetched.get(model) ?? fetchCollateral(pck, { url, timeoutMs });
    fetched.set(model, fetching);
    return await fetching.catch((error: unknown) => {
      throw unverifiable(
        `there is no collateral for ${model} at ${new URL(url).host}: ${reasonOf(error)}`,
      );
    });
  };
}
