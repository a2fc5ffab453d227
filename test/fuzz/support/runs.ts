/**
 * How much is tried, and from which seed.
 *
 * `FUZZ_RUNS`: how many times as much as `npm test` tries, 1 unless told. `FUZZ_SEED`: repeats a run.
 */
import fc from "fast-check";

const factor = readWholeNumber("FUZZ_RUNS", 1);
const seed = readWholeNumber("FUZZ_SEED", Math.floor(Math.random() * 2 ** 31));

process.stdout.write(`fuzzing from seed ${seed}, ${factor} times the usual runs\n`);
fc.configureGlobal({ seed });

/** @param usual runs in `npm test` */
export function runs(usual: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: usual * factor, seed };
}

/** Room for a test whose usual runs take up to `usualMs`. */
export function withinMs(usualMs: number): number {
  return usualMs * factor;
}

function readWholeNumber(name: string, otherwise: number): number {
  const given = process.env[name];
  if (given === undefined || given === "") return otherwise;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`${name}: expected a whole number from 1, got ${JSON.stringify(given)}`);
}
