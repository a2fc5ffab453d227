/**
 * The fields of one request, from a JSON body or a query string.
 *
 * A missing field has its default: empty text, `false`, no bytes, no items. Unknown fields are
 * ignored. A field of another type, or a null, is refused.
 */
import { hexToBytes } from "@noble/hashes/utils";
import { RefusedRequest } from "../refusal.ts";

export type Fields = {
  readonly text: (name: string) => string;
  readonly flag: (name: string) => boolean;
  /** Hex of either case; leading `0x`, however many, are dropped. */
  readonly bytes: (name: string) => Uint8Array;
  readonly texts: (name: string) => readonly string[];
  /** A whole number of seconds that may be left out or null. */
  readonly seconds: (name: string) => number | undefined;
};

/** @throws RefusedRequest unless `body` is empty or a JSON object in UTF-8 */
export function jsonFields(body: Uint8Array): Fields {
  const value = body.length === 0 ? {} : parseJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RefusedRequest(
      `invalid request body: expected a JSON object, got ${typeName(value)}`,
    );
  }
  const values = new Map<string, unknown>(Object.entries(value));
  return fieldsOf((name) => values.get(name));
}

/** Arrays are written `name[]=a&name[]=b` or `name[0]=a&name[1]=b`. */
export function queryFields(query: URLSearchParams): Fields {
  const scalars = new Map<string, string>();
  const lists = new Map<string, string[]>();
  for (const [key, value] of query) {
    const list = /^(.+)\[\d*\]$/.exec(key)?.[1];
    if (list === undefined) scalars.set(key, value);
    else lists.set(list, [...(lists.get(list) ?? []), value]);
  }
  const typed = fieldsOf((name) => scalars.get(name) ?? lists.get(name));
  return {
    ...typed,
    flag: (name) => fieldsOf((n) => booleanOf(scalars.get(n))).flag(name),
    seconds: (name) => fieldsOf((n) => numberOf(scalars.get(n))).seconds(name),
  };
}

function fieldsOf(read: (name: string) => unknown): Fields {
  const text = (name: string): string => {
    const value = read(name) === undefined ? "" : read(name);
    return typeof value === "string" ? value : refuse(name, "a string", value);
  };
  return {
    text,
    flag: (name) => {
      const value = read(name) === undefined ? false : read(name);
      return typeof value === "boolean" ? value : refuse(name, "a boolean", value);
    },
    bytes: (name) => bytesOf(name, text(name)),
    texts: (name) => {
      const value = read(name) === undefined ? [] : read(name);
      return isTexts(value) ? value : refuse(name, "an array of strings", value);
    },
    seconds: (name) => {
      const value = read(name) ?? undefined;
      if (value === undefined) return undefined;
      return isCount(value) ? value : refuse(name, "a whole number of seconds", value);
    },
  };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RefusedRequest(`invalid request body: expected a JSON object: ${reason}`);
  }
}

function bytesOf(name: string, text: string): Uint8Array {
  const digits = text.replace(/^(?:0x)+/, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new RefusedRequest(`invalid value for ${name}: expected hex with two digits a byte`);
  }
  return hexToBytes(digits);
}

function booleanOf(text: string | undefined): unknown {
  if (text === "true") return true;
  return text === "false" ? false : text;
}

function numberOf(text: string | undefined): unknown {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new RefusedRequest(
    `invalid type for ${name}: expected ${expected}, got ${typeName(value)}`,
  );
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
