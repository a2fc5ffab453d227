/**
 * What an instance shows of itself: a signed quote, and the log that explains its registers. This is
 * where a host that lies, or a broken one, is played.
 */
import type { QuoteFault } from "./faults.ts";
import { type Evidence, type Instance, tdReport } from "./instance.ts";
import type { MeasuredEvent } from "./measurement/register.ts";
import {
  debuggable,
  encodeQuote,
  encodeSignedRegion,
  quotingEnclaveId,
  signatureOffset,
} from "./quote/layout.ts";

/** Evidence over the registers as they are now. @param reportData 64 bytes */
export function evidenceOver(instance: Instance, reportData: Uint8Array): Evidence {
  const { faults } = instance.app.settings;
  const [replayed] = faults.includes("replayed-quote") ? instance.given : [];
  if (replayed !== undefined) return replayed;

  const evidence = {
    quote: signedQuote(instance, reportData, faults),
    events: faults.includes("wrong-event-log")
      ? instance.events.map(withLie)
      : [...instance.events],
  };
  if (instance.given.length === 0) instance.given.push(evidence);
  return evidence;
}

function signedQuote(
  instance: Instance,
  reportData: Uint8Array,
  faults: readonly QuoteFault[],
): Uint8Array {
  const quoted = faults.includes("wrong-report-data") ? complement(reportData) : reportData;
  const report = tdReport(instance, quoted);
  const region = encodeSignedRegion(
    faults.includes("debug") ? debuggable(report) : report,
    quotingEnclaveId,
  );
  const quote = encodeQuote(region, instance.app.signQuote(region));
  if (faults.includes("bad-signature")) flipBit(quote, signatureOffset);
  return quote;
}

/** An event that no other check looks at: only who replays the log can notice. */
function withLie(event: MeasuredEvent): MeasuredEvent {
  return event.name === "mr-kms" ? { ...event, payload: complement(event.payload) } : event;
}

function complement(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff);
}

function flipBit(bytes: Uint8Array, offset: number): void {
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
}
