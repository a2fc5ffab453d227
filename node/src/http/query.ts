/** Parameters of a URL: known ones, once each, with a value that was expected. */
import { RequestError } from "./problem.ts";

export type Query = ReadonlyMap<string, string>;

/**
 * @param search the URL's query without its question mark
 * @throws RequestError request.invalid: for an unknown or a repeated parameter
 */
export function readQuery(search: string, known: readonly string[]): Query {
  const query = new Map<string, string>();
  if (search === "") return query;
  for (const [name, value] of new URLSearchParams(search)) {
    if (!known.includes(name)) {
      const expected = known.length === 0 ? "none" : known.join(" or ");
      throw invalid(name, `unknown query parameter ${quoted(name)}: expected ${expected}`);
    }
    if (query.has(name)) throw invalid(name, `query parameter ${name}: expected it only once`);
    query.set(name, value);
  }
  return query;
}

/** @throws RequestError request.invalid */
export function choice<Value extends string>(
  query: Query,
  name: string,
  values: readonly [Value, ...Value[]],
): Value {
  const given = query.get(name);
  const value = given === undefined ? values[0] : values.find((one) => one === given);
  if (value !== undefined) return value;
  throw refuse(query, name, values.join(" or "));
}

/** @throws RequestError request.invalid */
export function wholeNumber(
  query: Query,
  name: string,
  { min, max, otherwise }: { min: number; max: number; otherwise: number },
): number {
  const given = query.get(name);
  if (given === undefined) return otherwise;
  const value = /^[0-9]{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw refuse(query, name, `a whole number from ${min} to ${max}`);
}

/** A place in the log, from the path. @throws RequestError request.invalid */
export function position(name: string, given: string): number {
  const value = /^[0-9]{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= 1 && value <= Number.MAX_SAFE_INTEGER) return value;
  const expected = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;
  throw invalid(name, `${name}: expected ${expected}, got ${quoted(given)}`);
}

/** Lower-case hex, or `null` when it is not given. @throws RequestError request.invalid */
export function hex(query: Query, name: string, bytesMax: number): string | null {
  const given = query.get(name);
  if (given === undefined) return null;
  const isHex = /^(?:[0-9a-fA-F]{2})*$/.test(given);
  if (isHex && given.length <= 2 * bytesMax) return given.toLowerCase();
  throw refuse(query, name, `hex of 0 to ${bytesMax} bytes, two digits each`);
}

/** A value as it may appear in a sentence: quoted, and cut when it is long. */
export function quoted(value: unknown): string {
  const text = textOf(value);
  return text.length <= 64 ? text : `${text.slice(0, 60)}…`;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Reading JSON takes no stack, writing it does: some thousand arrays in one another exhaust it.
    return "a value nested too deeply to be shown";
  }
}

function refuse(query: Query, name: string, expected: string): RequestError {
  const given = quoted(query.get(name));
  return invalid(name, `query parameter ${name}: expected ${expected}, got ${given}`);
}

function invalid(name: string, message: string): RequestError {
  return new RequestError({ code: "request.invalid", name }, message);
}
