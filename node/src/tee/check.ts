/** The unit of appraisal: one question, its expected answer and the one that was found. */
import { rejected } from "./quote.ts";

/** One line of a table: what was looked at, what was expected, what was found. */
export type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
};

export function check(name: string, expected: string, actual: string): Check {
  return { name, ok: expected === actual, expected, actual };
}

/** @throws QuoteError quote.rejected, for the first that fails */
export function rejectFirst(checks: readonly Check[]): void {
  const failed = checks.find(({ ok }) => !ok);
  if (failed !== undefined) throw rejected(failed.name, failed);
}
