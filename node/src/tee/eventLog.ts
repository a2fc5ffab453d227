/**
 * The guest's event log: what was measured into the four run-time registers (RTMR), in order.
 *
 * The log itself proves nothing; that its replay gives the registers of a quote does. Digests of
 * run-time events are computed here from name and payload, because agents leave them out, and
 * because a digest that is taken on trust says nothing of the payload beside it. Boot events have
 * no such rule: their digests are taken as given.
 *
 * @see dstack, `cc-eventlog`; Intel TDX Module ABI, TDG.MR.RTMR.EXTEND
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { malformed } from "./quote.ts";

export type EventLog = {
  /** RTMR 0 to 3, 48 bytes each, lower-case hex. */
  readonly rtmrs: readonly [string, string, string, string];
  /** The first run-time event whose given digest is not that of its name and payload. */
  readonly wrongDigest: WrongDigest | null;
  readonly facts: BootFacts;
};
export type WrongDigest = {
  readonly event: string;
  readonly expected: string;
  readonly actual: string;
};

/** What the guest OS measured before the application could. Lower-case hex; null: not there. */
export type BootFacts = {
  /** 20 bytes. */
  readonly appId: string | null;
  /** 32 bytes. */
  readonly composeHash: string | null;
  /** 20 bytes. */
  readonly instanceId: string | null;
  /** 32 bytes. */
  readonly osImageHash: string | null;
  /** JSON text, as the guest wrote it. */
  readonly keyProvider: string | null;
};

const runtimeEventType = 0x08000001;
const registerCount = 4;
const registerBytes = 48;
const eventsMax = 4_096;

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/, "expected lower-case hex");
const eventSchema = z.object({
  imr: z
    .number()
    .int()
    .min(0)
    .max(registerCount - 1),
  event_type: z.number().int().min(0).max(0xffff_ffff),
  digest: hex.max(registerBytes * 2),
  event: z.string(),
  event_payload: hex,
  version: z.number().int().optional(),
});
const logSchema = z.array(eventSchema).max(eventsMax);
type Event = z.infer<typeof eventSchema>;

/**
 * @param text JSON, as the guest agent gave it with a quote
 * @throws QuoteError quote.malformed
 */
export function readEventLog(text: string): EventLog {
  const events = parse(text);
  const registers: Buffer[] = Array.from({ length: registerCount }, () =>
    Buffer.alloc(registerBytes),
  );
  let wrongDigest: WrongDigest | null = null;
  for (const event of events) {
    const digest = digestOf(event);
    if (event.digest !== "" && event.digest !== digest && isRuntime(event)) {
      wrongDigest ??= { event: event.event, expected: digest, actual: event.digest };
    }
    const register = registers[event.imr];
    if (register === undefined) continue;
    const extended = Buffer.from(digest.padEnd(registerBytes * 2, "0"), "hex");
    registers[event.imr] = sha384(register, extended);
  }
  const [rtmr0 = "", rtmr1 = "", rtmr2 = "", rtmr3 = ""] = registers.map((one) =>
    one.toString("hex"),
  );
  return { rtmrs: [rtmr0, rtmr1, rtmr2, rtmr3], wrongDigest, facts: factsIn(events) };
}

function parse(text: string): readonly Event[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("its event log is not JSON");
  }
  const read = logSchema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw malformed(`its event log, at ${issue?.path.join(".") || "the top"}: ${issue?.message}`);
}

const isRuntime = (event: Event): boolean => event.event_type === runtimeEventType;

function digestOf(event: Event): string {
  if (!isRuntime(event)) return event.digest;
  const { event: name, event_payload: payload, event_type: type } = event;
  // The second form is JSON by RFC 8785: members in this order, no spaces.
  if (event.version === 2) {
    return sha384(Buffer.from(JSON.stringify({ name, payload, type }))).toString("hex");
  }
  const littleEndian = Buffer.alloc(4);
  littleEndian.writeUInt32LE(type);
  const preimage = [littleEndian, Buffer.from(`:${name}:`), Buffer.from(payload, "hex")];
  return sha384(...preimage).toString("hex");
}

/**
 * The first event of a name counts, and only before "system-ready": from then on the application
 * can measure events of any name.
 */
function factsIn(events: readonly Event[]): BootFacts {
  const runtime = events.filter((event) => event.imr === registerCount - 1 && isRuntime(event));
  const ready = runtime.findIndex(({ event }) => event === "system-ready");
  const early = ready < 0 ? runtime : runtime.slice(0, ready);
  const payloadOf = (name: string, bytes: number): string | null => {
    const payload = early.find(({ event }) => event === name)?.event_payload ?? "";
    return payload.length === bytes * 2 ? payload : null;
  };
  const keyProvider = early.find(({ event }) => event === "key-provider")?.event_payload;
  return {
    appId: payloadOf("app-id", 20),
    composeHash: payloadOf("compose-hash", 32),
    instanceId: payloadOf("instance-id", 20),
    osImageHash: payloadOf("os-image-hash", 32),
    keyProvider: keyProvider === undefined ? null : Buffer.from(keyProvider, "hex").toString(),
  };
}

function sha384(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha384");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
