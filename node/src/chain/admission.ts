/**
 * What the contract says of a quote: the lists that `isAppAllowed` goes by when the KMS asks it, read
 * one by one, so that a refusal can name what is not allowed.
 *
 * Safety assumes: fewer than `quorum` endpoints lie together.
 * Liveness assumes: `quorum` endpoints answer honestly, from states that agree.
 */
import * as AbiFunction from "ox/AbiFunction";
import { memberId } from "../consensus/ids.ts";
import type { Admission, ReadAdmission } from "../runtime/attestation.ts";
import type { Block } from "../runtime/ports.ts";
import { agree } from "./agree.ts";
import { membershipAbi } from "./membership.abi.ts";
import type { Endpoint } from "./rpc.ts";
import { readNewestBlock } from "./snapshot.ts";
import { type ViewCalls, viewCalls } from "./viewCalls.ts";

type Asked = Parameters<ReadAdmission>[0];

const functions = {
  appId: AbiFunction.fromAbi(membershipAbi, "appId"),
  kmsRoot: AbiFunction.fromAbi(membershipAbi, "kmsRoot"),
  allowedComposeHashes: AbiFunction.fromAbi(membershipAbi, "allowedComposeHashes"),
  allowAnyDevice: AbiFunction.fromAbi(membershipAbi, "allowAnyDevice"),
  allowedDeviceIds: AbiFunction.fromAbi(membershipAbi, "allowedDeviceIds"),
  osImageCount: AbiFunction.fromAbi(membershipAbi, "osImageCount"),
  allowedOsImages: AbiFunction.fromAbi(membershipAbi, "allowedOsImages"),
  requireTcbUpToDate: AbiFunction.fromAbi(membershipAbi, "requireTcbUpToDate"),
};

export type AdmissionOptions = {
  readonly endpoints: readonly Endpoint[];
  readonly quorum: number;
  readonly contract: string;
  /** Number of the newest block that this node has read; an answer from before waits for others. */
  readonly newestNumber: () => bigint;
};

/** The result throws ChainError chain.unreachable, chain.disputed. */
export function admissionReader(options: AdmissionOptions): ReadAdmission {
  const { endpoints, quorum, contract, newestNumber } = options;
  return async (asked) => {
    const { admission } = await agree(endpoints, quorum, {
      ask: async (endpoint) => {
        const block = await readNewestBlock(endpoint);
        return { block, admission: await admissionAt(viewCalls(endpoint, contract), asked, block) };
      },
      keyOf: ({ admission }) => JSON.stringify(admission),
      preferred: ({ block }) => block.number >= newestNumber(),
    });
    return admission;
  };
}

async function admissionAt(
  { callAt, decoded }: ViewCalls,
  { composeHash, deviceId, osImageHash }: Asked,
  { hash: blockHash }: Block,
): Promise<Admission> {
  const ask = async <T>(
    definition: AbiFunction.AbiFunction,
    parameters: readonly unknown[],
  ): Promise<T> => {
    const data = await callAt(definition, parameters, { blockHash });
    return decoded(() => AbiFunction.decodeResult(definition, data) as T);
  };
  const [appId, kmsRoot, composeHashAllowed, anyDevice, listed, count, imageListed, required] =
    await Promise.all([
      ask<string>(functions.appId, []),
      ask<string>(functions.kmsRoot, []),
      ask<boolean>(functions.allowedComposeHashes, [`0x${composeHash}`]),
      ask<boolean>(functions.allowAnyDevice, []),
      ask<boolean>(functions.allowedDeviceIds, [`0x${deviceId}`]),
      ask<bigint>(functions.osImageCount, []),
      osImageHash !== null && ask<boolean>(functions.allowedOsImages, [`0x${osImageHash}`]),
      ask<boolean>(functions.requireTcbUpToDate, []),
    ]);
  const osImagesRestricted = count > 0n;
  return {
    appId: appId.slice(2).toLowerCase(),
    kmsRoot: memberId(kmsRoot.toLowerCase()),
    composeHashAllowed,
    deviceAllowed: anyDevice || listed,
    // A machine that measured no image is on no list.
    osImageAllowed: !osImagesRestricted || imageListed,
    osImagesRestricted,
    tcbUpToDateRequired: required,
  };
}
