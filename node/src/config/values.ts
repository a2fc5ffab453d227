/** Reads the value of one variable, or says what was expected and what was found. */
import { z } from "zod";

/** `read` answers undefined for what is not expected. */
export function text<Value>(expected: string, read: (value: string) => Value | undefined) {
  return variable(expected, read, (value) => `, got ${shown(value)}`);
}

export function url<Value>(expected: string, read: (value: string) => Value | undefined) {
  return variable(expected, read, () => "; what it is set to is not shown");
}

export function wholeNumber(min: number, max: number) {
  return text(`a whole number from ${min} to ${max}`, (value) => {
    const number = /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

export function oneOf<const Value extends string>(values: readonly Value[]) {
  return text(values.join(" or "), (value) => values.find((one) => one === value));
}

function variable<Value>(
  expected: string,
  read: (value: string) => Value | undefined,
  got: (value: string) => string,
) {
  return z.string({ error: `not set; expected ${expected}` }).transform((value, context) => {
    const found = read(value);
    if (found !== undefined) return found;
    context.addIssue({ code: "custom", message: `expected ${expected}${got(value)}` });
    return z.NEVER;
  });
}

function shown(value: string): string {
  const quoted = JSON.stringify(value);
  return quoted.length <= 64 ? quoted : `${quoted.slice(0, 60)}…`;
}

export function readUrl(value: string): string | undefined {
  const parsed = URL.parse(value);
  return parsed !== null && /^https?:$/.test(parsed.protocol) ? value : undefined;
}

export function readUrls(value: string): readonly string[] | undefined {
  const urls = value.split(",").map((one) => one.trim());
  // One endpoint listed twice would be a quorum of itself.
  const areDifferent = new Set(urls).size === urls.length;
  return areDifferent && urls.every((one) => readUrl(one) !== undefined) ? urls : undefined;
}

export function readOrigin(value: string): string | undefined {
  const parsed = readUrl(value) === undefined ? null : URL.parse(value);
  return parsed !== null && parsed.href === `${parsed.origin}/` ? parsed.origin : undefined;
}

export function readAgent(value: string): string | undefined {
  return /^[./]/.test(value) ? value : readUrl(value);
}

export function readAddress(value: string): string | undefined {
  return /^0x[0-9a-fA-F]{40}$/.test(value) ? value.toLowerCase() : undefined;
}

export function readHost(value: string): string | undefined {
  return /^[A-Za-z0-9._:-]+$/.test(value) ? value : undefined;
}

export function readHostAndPort(value: string): string | undefined {
  const port = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/.exec(value)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535 ? value : undefined;
}

export function readTokenId(value: string): bigint | undefined {
  if (!/^[0-9]{1,78}$/.test(value)) return undefined;
  const id = BigInt(value);
  return id < 1n << 256n ? id : undefined;
}
