/** Run-time measurement registers: 48 bytes that only ever extend. */
import { sha384 } from "@noble/hashes/sha2";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils";

export type RegisterIndex = 0 | 1 | 2 | 3;

export type MeasuredEvent = {
  readonly imr: RegisterIndex;
  readonly eventType: number;
  /** At most 48 bytes; a shorter one extends the register padded with zeros. */
  readonly digest: Uint8Array;
  /** Empty for the events of the firmware. */
  readonly name: string;
  readonly payload: Uint8Array;
};

/** The type of every event that dstack or an app adds after boot. */
export const runtimeEventType = 0x08000001;
export const registerBytes = 48;

/** An event of register 3. The digest covers type, name and payload (event log version 1). */
export function runtimeEvent(name: string, payload: Uint8Array): MeasuredEvent {
  const type = Buffer.alloc(4);
  type.writeUInt32LE(runtimeEventType);
  const separator = utf8ToBytes(":");
  const preimage = concatBytes(type, separator, utf8ToBytes(name), separator, payload);
  return { imr: 3, eventType: runtimeEventType, digest: sha384(preimage), name, payload };
}

/** What register `imr` holds after all of `events`, in log order. */
export function replayRegister(events: readonly MeasuredEvent[], imr: RegisterIndex): Uint8Array {
  return events
    .filter((event) => event.imr === imr)
    .map((event) => event.digest)
    .reduce(extend, new Uint8Array(registerBytes));
}

function extend(register: Uint8Array, digest: Uint8Array): Uint8Array {
  const padded = new Uint8Array(registerBytes);
  padded.set(digest);
  return sha384(concatBytes(register, padded));
}
