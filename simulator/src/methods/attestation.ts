import { bytesToHex } from "@noble/hashes/utils";
import { evidenceOver } from "../evidence.ts";
import type { Fields } from "../http/fields.ts";
import type { Instance } from "../instance.ts";
import { fullEventLog, strippedEventLog } from "../measurement/eventLog.ts";
import { vmConfig } from "../measurement/osImage.ts";
import { runtimeEvent } from "../measurement/register.ts";
import { encodeAttestation } from "../quote/attestation.ts";
import { reportDataBytes } from "../quote/layout.ts";
import { RefusedRequest } from "../refusal.ts";

export type QuoteAnswer = {
  readonly quote: string;
  /** JSON text. */
  readonly event_log: string;
  readonly report_data: string;
  /** JSON text. */
  readonly vm_config: string;
};

/** GetQuote: a quote over at most 64 bytes, which it pads with zeros on the right. */
export function getQuote(instance: Instance, fields: Fields): QuoteAnswer {
  const reportData = paddedReportData(fields.bytes("report_data"));
  return {
    ...quoteWithLog(instance, reportData),
    report_data: bytesToHex(reportData),
    vm_config: vmConfig(instance.app.settings.image),
  };
}

/** Attest: quote, complete event log and configuration in one binary document. */
export function attest(instance: Instance, fields: Fields): { readonly attestation: string } {
  const reportData = paddedReportData(fields.bytes("report_data"));
  const attestation = encodeAttestation({
    ...evidenceOver(instance, reportData),
    reportData,
    config: vmConfig(instance.app.settings.image),
  });
  return { attestation: bytesToHex(attestation) };
}

/** EmitEvent: extends register 3, and with it every later quote. Any name is taken. */
export function emitEvent(instance: Instance, fields: Fields): null {
  instance.events.push(runtimeEvent(fields.text("event"), fields.bytes("payload")));
  return null;
}

export function quoteWithLog(
  instance: Instance,
  reportData: Uint8Array,
): Pick<QuoteAnswer, "quote" | "event_log"> {
  const { agentVersion, eventLog } = instance.app.settings;
  const isStripped = eventLog === "real" && agentVersion.signs;
  const { quote, events } = evidenceOver(instance, reportData);
  const entries = (isStripped ? strippedEventLog : fullEventLog)(events);
  return { quote: bytesToHex(quote), event_log: JSON.stringify(entries) };
}

/** @param digest at most 64 bytes */
export function paddedReportData(digest: Uint8Array): Uint8Array {
  if (digest.length > reportDataBytes) throw new RefusedRequest("Report data is too long");
  const padded = new Uint8Array(reportDataBytes);
  padded.set(digest);
  return padded;
}
