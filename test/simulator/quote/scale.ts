/** A reader of the attestation document, written from the format and not from its writer. */
import type { Attestation } from "../../../simulator/src/quote/attestation.ts";

type Event = Attestation["events"][number];
export type Decoded = Attestation & {
  readonly runtimeEvents: readonly { readonly name: string; readonly payload: Uint8Array }[];
};

export function decodeAttestation(bytes: Uint8Array): Decoded {
  const data = Buffer.from(bytes);
  let offset = 0;
  const take = (count: number): Buffer => {
    if (offset + count > data.length) throw new RangeError("expected more bytes");
    offset += count;
    return data.subarray(offset - count, offset);
  };
  const compact = (): number => {
    const mode = (data[offset] ?? 0) & 3;
    if (mode === 0) return take(1).readUInt8() >>> 2;
    if (mode === 1) return take(2).readUInt16LE() >>> 2;
    if (mode === 2) return take(4).readUInt32LE() >>> 2;
    throw new RangeError("expected a length below 2^30");
  };
  const blob = (): Uint8Array => new Uint8Array(take(compact()));
  const text = (): string => Buffer.from(blob()).toString("utf8");
  const vector = <Item>(item: () => Item): Item[] => Array.from({ length: compact() }, item);

  if (take(2).toString("hex") !== "0000") throw new RangeError("expected version 0 of a TDX quote");
  const decoded = {
    quote: blob(),
    events: vector(() => ({
      imr: take(4).readUInt32LE() as Event["imr"],
      eventType: take(4).readUInt32LE(),
      digest: blob(),
      name: text(),
      payload: blob(),
    })),
    runtimeEvents: vector(() => ({ name: text(), payload: blob() })),
    reportData: new Uint8Array(take(64)),
    config: text(),
  };
  if (offset !== data.length) throw new RangeError("expected no more bytes");
  return decoded;
}
