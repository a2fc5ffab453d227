/** Lengths of time as a person writes them: `+1h`, `-30m`. */
import { InvalidArgumentError } from "commander";

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;
type Unit = keyof typeof unitMs;

/**
 * @param text a sign, up to three digits, and `s`, `m`, `h` or `d`; or `0`
 * @returns milliseconds
 * @throws InvalidArgumentError
 */
export function readDuration(text: string): number {
  if (text === "0") return 0;
  const [, sign, digits, unit] = /^([+-]?)(\d{1,3})([smhd])$/.exec(text) ?? [];
  if (digits !== undefined && unit !== undefined) {
    return (sign === "-" ? -1 : 1) * Number(digits) * unitMs[unit as Unit];
  }
  throw new InvalidArgumentError("Expected a length of time such as +1h, -30m, 90s, 2d, or 0.");
}

/** In the greatest unit that leaves no rest. @param ms whole seconds, not 0 */
export function signedDuration(ms: number): string {
  const units = Object.keys(unitMs) as readonly Unit[];
  const unit = units.find((each) => ms % unitMs[each] === 0) ?? "s";
  return `${ms > 0 ? "+" : "-"}${Math.abs(ms) / unitMs[unit]}${unit}`;
}
