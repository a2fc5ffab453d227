/**
 * Loaded into a node before all else (`node --import`): its wall clock is off by what a file says.
 * The monotonic clock is left alone, as where an operator or a time server sets a machine's clock.
 *
 * Environment: CHAOS_CLOCK, the file's path; it holds a number of milliseconds.
 */
import { readFileSync } from "node:fs";

const lookEveryMs = 50;
const RightDate = Date;
const { CHAOS_CLOCK: path } = process.env;
let offMs = 0;

function look(): void {
  try {
    offMs = Number(readFileSync(path ?? "", "utf8")) || 0;
  } catch {
    offMs = 0;
  }
}

class ShiftedDate extends RightDate {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [RightDate.now() + offMs] : given) as [number]));
  }

  static override now(): number {
    return RightDate.now() + offMs;
  }
}

if (path !== undefined) {
  look();
  setInterval(look, lookEveryMs).unref();
  globalThis.Date = ShiftedDate as DateConstructor;
}
