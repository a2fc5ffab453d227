/** The first application: one number that only grows. */
import type { Application, Applied, Codec } from "../application.ts";

export type CounterState = { readonly value: number };
export type CounterCommand = { readonly by: number };
export type CounterQuery = "value";

export const byMin = 1;
export const byMax = 2 ** 31 - 1;

export const counter: Application<CounterState, CounterCommand, number, CounterQuery, number> = {
  name: "counter",
  version: 1,
  init: () => ({ value: 0 }),
  apply,
  query: (state) => state.value,
  codec: {
    encode: (state) => String(state.value),
    decode: (text) => {
      const value = readInteger(text);
      return value === null ? null : { value };
    },
  },
  commands: {
    encode: (command) => String(command.by),
    decode: (text) => {
      const by = readInteger(text);
      return by !== null && isIncrement(by) ? { by } : null;
    },
  },
  results: integers(),
  // The first version: there is no older one to read.
  migrate: () => null,
};

/** Is `by` something the counter can be raised by? */
export function isIncrement(by: number): boolean {
  return Number.isInteger(by) && by >= byMin && by <= byMax;
}

function apply(state: CounterState, command: CounterCommand): Applied<CounterState, number> {
  const value = state.value + command.by;
  if (value > Number.MAX_SAFE_INTEGER) {
    const most = `at most ${Number.MAX_SAFE_INTEGER}`;
    const reason = `the counter stands at ${state.value} and holds ${most}: ${command.by} is too much`;
    return { kind: "refused", reason };
  }
  return { kind: "applied", state: { value }, result: value };
}

function integers(): Codec<number> {
  return { encode: String, decode: readInteger };
}

/** Decimal without sign or leading zeros, so that one number has one text. */
function readInteger(text: string): number | null {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
