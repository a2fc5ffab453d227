/**
 * The machine below a simulated trust domain: a processor that nobody made, of a model of its own.
 *
 * All devices are of one model and one state of updates; they differ in what names them.
 */
import { sha256 } from "@noble/hashes/sha2";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "../keys/kdf.ts";

export type Device = {
  /** What its keys and ids follow from, together with the seed. */
  readonly name: string;
  /** 16 bytes: the platform provisioning id, which its certificate tells. */
  readonly ppid: Uint8Array;
  /** 32 bytes, SHA-256 of the PPID: dstack's name for a device, as contracts list it. */
  readonly deviceId: Uint8Array;
  /** 16 bytes. */
  readonly platformInstanceId: Uint8Array;
};

/** Family, model, stepping, platform type and custom SKU: 6 bytes. */
export const fmspc = hexToBytes("00de57ac0000");
/** 2 bytes. */
export const pceId = hexToBytes("0000");
/** Security version numbers of the processor, 16 components. */
export const cpuSvn = hexToBytes("04040202040100050000000000000000");
export const pceSvn = 13;
/** Security version numbers of the TDX module and what loads it, 16 components. */
export const teeTcbSvn = hexToBytes("05010200000000000000000000000000");

const idBytes = 16;

export function deviceNamed(seed: string, name: string): Device {
  const id = (purpose: string): Uint8Array =>
    deriveSecret(utf8ToBytes(seed), utf8ToBytes(`development-${purpose}:${name}`)).slice(
      0,
      idBytes,
    );
  const ppid = id("ppid");
  return {
    name,
    ppid,
    deviceId: sha256(ppid),
    platformInstanceId: id("platform-instance"),
  };
}
