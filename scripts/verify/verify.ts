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
import { examine, type Verdict } from "./examine.ts";
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
  const contract = openContract(place.endpoints, place.contract);
  const sources = { options, trust, contract, collateralFor: collateralSource(options, trust) };
  const words: Word[] = [];
  const untilMs = performance.now() + options.timeoutMs;
  for (;;) {
    const isLast = performance.now() + againMs > untilMs;
    try {
      const verdict = await look(sources, place.nodeUrl, words);
      if (isLast || !mayMend(verdict)) return verdict;
    } catch (error) {
      // Endpoints that are a block apart agree a moment later.
      const isDisputed = error instanceof ChainError && error.fault.code === "chain.disputed";
      if (isLast || !isDisputed) throw error;
    }
    await pause(againMs);
  }
}

async function look(
  sources: Omit<Sources, "cluster">,
  nodeUrl: string | null,
  words: Word[],
): Promise<Verdict> {
  const { timeoutMs } = sources.options;
  const cluster = await sources.contract.read();
  const gathered = await gather(cluster, { nodeUrl, timeoutMs });
  const standards = standardsFor({ ...sources, cluster });
  return examine(gathered, { standards, cluster, nodeUrl, timeoutMs, words });
}

/** The contract is asked before the members: a term may begin, and checkpoints come, meanwhile. */
const movingChecks = new Set(["cluster", "term", "leader", "members", "boot key", "log root"]);

function mayMend({ members, given, logs }: Verdict): boolean {
  if (logs.forks.length > 0) return false;
  const others = given !== null && "findings" in given ? [given] : [];
  return [...members, ...others].some(({ findings }) => {
    const failures = findings.filter(({ result }) => result === "failed");
    return failures.length > 0 && failures.every(({ check }) => movingChecks.has(check));
  });
}

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
