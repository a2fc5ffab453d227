/**
 * A command as a log entry's payload carries it: which application, under which key, and what.
 *
 * Layout: version 1 (1 byte); length of the application's name (1), the name; length of the
 * idempotency key (1, 0 for none), the key; the rest is the command's own text. All text is
 * printable ASCII.
 */
import type { Read } from "./applications.ts";
import { textOf } from "./bytes.ts";
import { counter } from "./counter/counter.ts";

export type Envelope = {
  readonly application: string;
  readonly idempotencyKey: string | null;
  /** In the application's own encoding. */
  readonly command: string;
};

const layoutVersion = 1;

/** The payload that raises the counter. */
export function encodeIncrement(by: number, idempotencyKey: string | null): Uint8Array {
  const command = counter.commands.encode({ by });
  return encodeCommand({ application: counter.name, idempotencyKey, command });
}

/** Expects printable ASCII within the lengths above; the HTTP adapter has seen to it. */
export function encodeCommand(envelope: Envelope): Uint8Array {
  const { application, command } = envelope;
  const key = envelope.idempotencyKey ?? "";
  const bytes = new Uint8Array(3 + application.length + key.length + command.length);
  bytes[0] = layoutVersion;
  bytes[1] = application.length;
  writeText(bytes, 2, application);
  const keyAt = 2 + application.length;
  bytes[keyAt] = key.length;
  writeText(bytes, keyAt + 1, key);
  writeText(bytes, keyAt + 1 + key.length, command);
  return bytes;
}

/** Total: payloads come from clients by way of any member. */
export function decodeCommand(payload: Uint8Array): Read<Envelope> {
  if (payload[0] !== layoutVersion) {
    return { ok: false, reason: `expected a command of layout ${layoutVersion}` };
  }
  const keyAt = 2 + (payload[1] ?? 0);
  const commandAt = keyAt + 1 + (payload[keyAt] ?? 0);
  if (commandAt > payload.length) {
    return { ok: false, reason: "the command ends before its application or key does" };
  }
  const application = readText(payload, 2, keyAt);
  const key = readText(payload, keyAt + 1, commandAt);
  const command = readText(payload, commandAt, payload.length);
  if (application === null || key === null || command === null) {
    return { ok: false, reason: "a command holds printable ASCII alone" };
  }
  return { ok: true, value: { application, idempotencyKey: key === "" ? null : key, command } };
}

/** 1 to 255 characters of printable ASCII. */
export function isIdempotencyKey(text: string): boolean {
  return /^[ -~]{1,255}$/.test(text);
}

function writeText(bytes: Uint8Array, start: number, text: string): void {
  for (let at = 0; at < text.length; at += 1) bytes[start + at] = text.charCodeAt(at);
}

function readText(bytes: Uint8Array, start: number, end: number): string | null {
  for (let at = start; at < end; at += 1) {
    const code = bytes[at] ?? 0;
    if (code < 0x20 || code > 0x7e) return null;
  }
  return textOf(bytes, start, end);
}
