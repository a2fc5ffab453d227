/**
 * The attestation document of the Attest method, version 0: quote, event log and configuration in
 * the SCALE codec of Parity.
 *
 * @see https://docs.polkadot.com/polkadot-protocol/basics/data-encoding/
 */
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils";
import { type MeasuredEvent, runtimeEventType } from "../measurement/register.ts";

export type Attestation = {
  readonly quote: Uint8Array;
  readonly events: readonly MeasuredEvent[];
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** JSON text: the machine's configuration. */
  readonly config: string;
};

const version = 0;
const tdxVariant = 0;

export function encodeAttestation(attestation: Attestation): Uint8Array {
  const runtimeEvents = attestation.events.filter((event) => event.eventType === runtimeEventType);
  return concatBytes(
    Uint8Array.of(version, tdxVariant),
    encodeBytes(attestation.quote),
    encodeVector(attestation.events.map(encodeEvent)),
    encodeVector(runtimeEvents.map(encodeRuntimeEvent)),
    attestation.reportData,
    encodeText(attestation.config),
  );
}

/**
 * The events as certificates embed them: of register 3 alone, and without their digests, which a
 * verifier computes from name and payload.
 */
export function embeddedEvents(events: readonly MeasuredEvent[]): readonly MeasuredEvent[] {
  return events
    .filter((event) => event.imr === 3)
    .map((event) => ({ ...event, digest: new Uint8Array() }));
}

function encodeEvent(event: MeasuredEvent): Uint8Array {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(event.imr, 0);
  numbers.writeUInt32LE(event.eventType, 4);
  const { digest, name, payload } = event;
  return concatBytes(numbers, encodeBytes(digest), encodeText(name), encodeBytes(payload));
}

function encodeRuntimeEvent(event: MeasuredEvent): Uint8Array {
  return concatBytes(encodeText(event.name), encodeBytes(event.payload));
}

function encodeVector(items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(encodeCompact(items.length), ...items);
}

function encodeText(text: string): Uint8Array {
  return encodeBytes(utf8ToBytes(text));
}

function encodeBytes(bytes: Uint8Array): Uint8Array {
  return concatBytes(encodeCompact(bytes.length), bytes);
}

/** Compact lengths: the two lowest bits say whether one, two or four bytes follow. */
export function encodeCompact(length: number): Uint8Array {
  if (length >= 2 ** 30) throw new RangeError(`expected a length below 2^30, got ${length}`);
  const bytes = Buffer.alloc(4);
  if (length < 2 ** 6) {
    bytes.writeUInt8(length << 2);
    return new Uint8Array(bytes.subarray(0, 1));
  }
  if (length < 2 ** 14) {
    bytes.writeUInt16LE((length << 2) | 1);
    return new Uint8Array(bytes.subarray(0, 2));
  }
  bytes.writeUInt32LE(length * 4 + 2);
  return new Uint8Array(bytes);
}
