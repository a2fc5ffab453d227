/** A whole number on a command line. */
import { InvalidArgumentError } from "commander";

/** @throws InvalidArgumentError */
export function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}
