/**
 * The operating system image below the app: what its firmware, kernel and disk leave in MRTD and in
 * registers 0 to 2, and the hash under which dstack and contracts know it.
 */
import { sha256, sha384 } from "@noble/hashes/sha2";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { MeasuredEvent, RegisterIndex } from "./register.ts";

export type OsImage = {
  readonly name: string;
  /** 48 bytes. */
  readonly mrtd: Uint8Array;
  /** 32 bytes. */
  readonly osImageHash: Uint8Array;
  /** Of registers 0 to 2, in the order in which they were measured. */
  readonly bootEvents: readonly MeasuredEvent[];
};

const separatorEventType = 4;
const actionEventType = 0x80000007;
const tagEventType = 6;
const bootApplicationEventType = 0x80000003;
const handoffTablesEventType = 0x8000000b;

/** An image that nobody built. Names that differ give images that differ in every measurement. */
export function inventedImage(name: string): OsImage {
  const of = (part: string): Uint8Array => utf8ToBytes(`dstack-cluster ${name}: ${part}`);
  const loadedImage = concatBytes(hexToBytes("ed223b8f1a000000"), utf8ToBytes("LOADED_IMAGE\0"));
  return {
    name,
    mrtd: sha384(of("mrtd")),
    osImageHash: sha256(of("os image")),
    bootEvents: [
      firmwareEvent(0, handoffTablesEventType, of("td hob")),
      firmwareEvent(0, separatorEventType, new Uint8Array(4)),
      firmwareEvent(1, bootApplicationEventType, of("kernel")),
      firmwareEvent(1, actionEventType, utf8ToBytes("Calling EFI Application from Boot Option")),
      firmwareEvent(1, separatorEventType, new Uint8Array(4)),
      firmwareEvent(2, tagEventType, loadedImage),
      firmwareEvent(2, tagEventType, of("command line")),
      firmwareEvent(2, tagEventType, of("initial disk")),
      firmwareEvent(1, actionEventType, utf8ToBytes("Exit Boot Services Invocation")),
    ],
  };
}

/** JSON text: the machine as its host describes it. */
export function vmConfig(image: OsImage): string {
  return JSON.stringify({
    spec_version: 1,
    os_image_hash: bytesToHex(image.osImageHash),
    cpu_count: 2,
    memory_size: 2 * 1024 ** 3,
    qemu_version: "8.2.2",
    pci_hole64_size: 0,
    hugepages: false,
    num_gpus: 0,
    num_nvswitches: 0,
    hotplug_off: false,
    image: `dstack-cluster-${image.name}`,
  });
}

/**
 * Reads a boot log as the guest agent writes it: an array of `{imr, event_type, digest, event,
 * event_payload}`, the last three hex, text and hex.
 *
 * @throws Error that names the entry, and what was expected
 */
export function parseBootLog(json: string): readonly MeasuredEvent[] {
  const value: unknown = JSON.parse(json);
  if (!Array.isArray(value)) throw new Error("expected an array of events");
  return value.map(parseEntry);
}

function parseEntry(value: unknown, position: number): MeasuredEvent {
  const entry = new Map<string, unknown>(Object.entries(Object(value)));
  const fail = (field: string, expected: string): never => {
    throw new Error(`entry ${position}: expected ${field} to be ${expected}`);
  };
  const hex = (field: string, bytesMax: number): Uint8Array => {
    const text = entry.get(field);
    const isHex = typeof text === "string" && /^(?:[0-9a-fA-F]{2})*$/.test(text);
    if (!isHex || text.length > 2 * bytesMax) {
      return fail(field, `hex of at most ${bytesMax} bytes`);
    }
    return hexToBytes(text);
  };
  const [imr, eventType, name] = [entry.get("imr"), entry.get("event_type"), entry.get("event")];
  if (imr !== 0 && imr !== 1 && imr !== 2) return fail("imr", "0, 1 or 2");
  if (!isUint32(eventType)) return fail("event_type", "a number of 32 bits");
  if (typeof name !== "string") return fail("event", "text");
  const [digest, payload] = [hex("digest", digestBytes), hex("event_payload", payloadBytesMax)];
  if (digest.length === 0) return fail("digest", "there: only run-time events come without");
  return { imr, eventType, digest, name, payload };
}

const digestBytes = 48;
const payloadBytesMax = 65_536;

function isUint32(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === "number" && value >= 0 && value < 2 ** 32;
}

function firmwareEvent(imr: RegisterIndex, eventType: number, payload: Uint8Array): MeasuredEvent {
  return { imr, eventType, digest: sha384(payload), name: "", payload };
}
