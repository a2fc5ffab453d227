/** One confidential virtual machine of the app: an id of its own, and what it has measured. */
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { App } from "./app.ts";
import { type Certificate, issueLeaf } from "./certificate/leaf.ts";
import { deriveSecret } from "./keys/kdf.ts";
import { bootLog } from "./measurement/bootLog.ts";
import { type MeasuredEvent, registerBytes, replayRegister } from "./measurement/register.ts";
import { teeTcbSvn } from "./pki/device.ts";
import type { TdReport } from "./quote/layout.ts";

export type Instance = {
  readonly app: App;
  readonly name: string;
  /** 20 bytes, or none where the compose file asks for no instance id. */
  readonly instanceId: Uint8Array;
  /** Grows by EmitEvent alone. A quote reads it in the same turn in which it is made. */
  readonly events: MeasuredEvent[];
  /** The first evidence that it gave, once it has: what a host that replays keeps. */
  readonly given: Evidence[];
  /** A client certificate that Info shows. Made at start, since clients allow Info 500 ms. */
  readonly demoCertificate: Certificate;
};

export type Evidence = {
  readonly quote: Uint8Array;
  /** The log at the moment of the quote, of all registers, with every digest. */
  readonly events: readonly MeasuredEvent[];
};

const instanceSeedBytes = 20;
/** A real one is Intel's module hash: this filler is recognisable at a glance. */
const seamFiller = 0x5e;

/** @param name what its seed, and so its id, follows from, together with the app's seed */
export async function createInstance(app: App, name: string): Promise<Instance> {
  const instanceId = app.isAnonymous ? new Uint8Array() : deriveInstanceId(app, name);
  const { appId, composeHash, keyProviderInfo, settings } = app;
  const { agentVersion, image } = settings;
  const facts = { agentVersion, image, appId, composeHash, instanceId, keyProviderInfo };
  return {
    app,
    name,
    instanceId,
    events: [...bootLog(facts)],
    given: [],
    demoCertificate: await issueLeaf(app.authority, { subject: "demo", clientAuth: true }),
  };
}

/** The registers as they are now, with the caller's 64 bytes. */
export function tdReport(instance: Instance, reportData: Uint8Array): TdReport {
  const { events, app } = instance;
  return {
    teeTcbSvn,
    mrSeam: new Uint8Array(registerBytes).fill(seamFiller),
    mrSignerSeam: new Uint8Array(registerBytes),
    seamAttributes: new Uint8Array(8),
    tdAttributes: hexToBytes("0000001000000000"),
    xfam: hexToBytes("e702060000000000"),
    mrtd: app.settings.image.mrtd,
    mrConfigId: measuredConfiguration(app.composeHash),
    mrOwner: new Uint8Array(registerBytes),
    mrOwnerConfig: new Uint8Array(registerBytes),
    rtmrs: [
      replayRegister(events, 0),
      replayRegister(events, 1),
      replayRegister(events, 2),
      replayRegister(events, 3),
    ],
    reportData,
  };
}

function deriveInstanceId(app: App, name: string): Uint8Array {
  const seed = deriveSecret(utf8ToBytes(app.settings.seed), utf8ToBytes(`instance-seed:${name}`));
  return instanceIdOf(seed.subarray(0, instanceSeedBytes), app.appId);
}

/** The id of the instance that keeps `seed` on its disk; both are 20 bytes. */
export function instanceIdOf(seed: Uint8Array, appId: Uint8Array): Uint8Array {
  return sha256(concatBytes(seed, appId)).slice(0, 20);
}

/** The MRCONFIGID of version 1: it binds the compose hash before anything runs. */
function measuredConfiguration(composeHash: Uint8Array): Uint8Array {
  const configuration = new Uint8Array(registerBytes);
  configuration[0] = 1;
  configuration.set(composeHash, 1);
  return configuration;
}
