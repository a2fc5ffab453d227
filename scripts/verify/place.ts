/** Which cluster is meant, and whom its verifier trusts: from the options and a local cluster. */
import { readFileSync } from "node:fs";
import { type Endpoint, rpcEndpoint } from "../../node/src/chain/rpc.ts";
import type { Certificate } from "../../node/src/tee/certificates.ts";
import { readRoot } from "../../node/src/tee/chainOfTrust.ts";
import { intelRoot } from "../../node/src/tee/intelRoot.ts";
import { type OsMeasurements, readOsMeasurements } from "../../node/src/tee/osMeasurements.ts";
import { reasonOf } from "../cluster/failure.ts";
import { attestationRoot, layoutOf } from "../cluster/layout.ts";
import { rpcUrlOf } from "../cluster/node.ts";
import { host, nodePortsOf } from "../cluster/ports.ts";
import { type ClusterRecord, readRecord } from "../cluster/record.ts";
import type { VerifyOptions } from "./cli.ts";
import { ask, statusSchema } from "./node.ts";

/** What the arguments name cannot be used. */
export class UsageError extends Error {}

export type Place = {
  readonly endpoints: readonly Endpoint[];
  readonly contract: string;
  /** Whose word the contract's address is: the caller's, or that of the node that was asked. */
  readonly pinned: boolean;
  /** The node's URL that was given, if one was. */
  readonly nodeUrl: string | null;
};

export type Trust = {
  readonly root: Certificate;
  /** Intel's; or of a file, which only its owner can vouch for. */
  readonly rootIsIntels: boolean;
  readonly osMeasurements: readonly OsMeasurements[];
};

/**
 * @throws UsageError when a chain or a contract is missing
 * @throws Error when the node that should name its contract does not
 */
export async function placeOf(options: VerifyOptions): Promise<Place> {
  const { target, rpc, timeoutMs } = options;
  const nodeUrl = target === undefined || target.startsWith("0x") ? null : target;
  const given = nodeUrl === null ? target : options.contract;
  const local = rpc.length > 0 && given !== undefined ? null : localCluster(options);
  const rpcUrls = rpc.length > 0 ? rpc : local === null ? [] : [rpcUrlOf(local.basePort)];
  if (rpcUrls.length === 0) throw new UsageError(missingChain(options));
  const endpoints = rpcUrls.map((url, at) => rpcEndpoint(url, at, timeoutMs));
  const pinned = given ?? local?.deployment?.contract;
  if (pinned !== undefined) return { endpoints, contract: pinned, pinned: true, nodeUrl };
  if (nodeUrl === null) throw new UsageError(missingChain(options));
  return { endpoints, contract: await contractNamedBy(nodeUrl, timeoutMs), pinned: false, nodeUrl };
}

/** @throws UsageError when a file cannot be used */
export function trustOf({ root, measurements, dataDir }: VerifyOptions): Trust {
  const file = root === "dev" ? developmentRoot(dataDir) : root;
  return {
    root: usable(() => readRoot(file === undefined ? Buffer.from(intelRoot) : readFileSync(file))),
    rootIsIntels: file === undefined,
    osMeasurements:
      measurements === undefined ? [] : usable(() => readOsMeasurements(measurements)),
  };
}

function missingChain({ target, dataDir }: VerifyOptions): string {
  if (target !== undefined) {
    return `expected --rpc URL: which chain ${target} belongs to is not its own to say`;
  }
  return `there is no local cluster in ${dataDir}: expected a node's URL or a contract's address`;
}

/** Only for a target that is part of it: another cluster's chain is another. */
function localCluster({ target, dataDir }: VerifyOptions): ClusterRecord | null {
  const record = readRecord(layoutOf(dataDir).record);
  if (record?.deployment == null) return null;
  if (target === undefined || target === record.deployment.contract.toLowerCase()) return record;
  const url = URL.parse(target);
  const isLoopback = url?.hostname === host || url?.hostname === "localhost";
  const ports = record.nodes.map(({ number }) => nodePortsOf(record.basePort, number).http);
  return isLoopback && ports.includes(Number(url?.port)) ? record : null;
}

function developmentRoot(dataDir: string): string {
  const record = readRecord(layoutOf(dataDir).record);
  if (record !== null) return attestationRoot(record.socketDir);
  throw new UsageError(`--root dev is a local cluster's, and there is none in ${dataDir}`);
}

async function contractNamedBy(nodeUrl: string, timeoutMs: number): Promise<string> {
  const status = await ask(statusSchema, { origin: nodeUrl, path: "/status", timeoutMs });
  if (status.kind === "none")
    throw new Error(`${nodeUrl} does not name its contract: ${status.reason}`);
  const { contract } = status.value.chain;
  if (/^0x[0-9a-fA-F]{40}$/.test(contract)) return contract.toLowerCase();
  throw new Error(`${nodeUrl} does not know its contract yet; expected one, or --contract ADDRESS`);
}

function usable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new UsageError(reasonOf(error), { cause: error });
  }
}
