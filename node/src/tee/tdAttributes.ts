/**
 * The attributes of a trust domain: 64 bits that its host chose at its creation, each of which
 * gives something away or takes something from it.
 *
 * @see Intel TDX Module Base Architecture Specification, TD attributes
 */
import type { Check } from "./check.ts";

const names: Readonly<Record<number, string>> = {
  0: "DEBUG",
  4: "HGS_PLUS_PROF",
  5: "PERF_PROF",
  6: "PMT_PROF",
  27: "LASS",
  28: "SEPT_VE_DISABLE",
  29: "MIGRATABLE",
  30: "PKS",
  31: "KL",
  62: "TPA",
  63: "PERFMON",
};
const debug = 0;
const required = 28;
/** These concern the domain's own use of the processor, and give nothing to its host. */
const free = new Set([30, 31, 63]);

/** @param attributes 8 bytes as the quote has them, little-endian, hex */
export function tdAttributeChecks(attributes: string): readonly Check[] {
  const bytes = Buffer.from(attributes, "hex");
  const isSet = (bit: number): boolean => (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  const bits = Array.from({ length: 64 }, (_, bit) => bit);
  const isWrong = (bit: number): boolean =>
    bit === required ? !isSet(bit) : bit !== debug && isSet(bit) && !free.has(bit);
  const wrong = bits.filter(isWrong).map((bit) => `${nameOf(bit)} ${isSet(bit) ? "set" : "clear"}`);
  return [
    {
      name: "debug attribute",
      ok: !isSet(debug),
      expected: "clear",
      actual: isSet(debug) ? "set: the host can read this machine's memory" : "clear",
    },
    {
      name: "TD attributes",
      ok: wrong.length === 0,
      expected: "SEPT_VE_DISABLE set, no others but PKS, KL, PERFMON",
      actual: wrong.length === 0 ? attributes : `${attributes}: ${wrong.join(", ")}`,
    },
  ];
}

const nameOf = (bit: number): string => names[bit] ?? `bit ${bit}`;
