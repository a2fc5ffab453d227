/** The event log as the guest agent writes it into its answers. */
import { bytesToHex } from "@noble/hashes/utils";
import { type MeasuredEvent, runtimeEventType } from "./register.ts";

export type EventLogEntry = {
  readonly imr: number;
  readonly event_type: number;
  readonly digest: string;
  readonly event: string;
  readonly event_payload: string;
};

/** With every digest and payload, as Info gives it. */
export function fullEventLog(events: readonly MeasuredEvent[]): readonly EventLogEntry[] {
  return events.map((event) => ({
    imr: event.imr,
    event_type: event.eventType,
    digest: bytesToHex(event.digest),
    event: event.name,
    event_payload: bytesToHex(event.payload),
  }));
}

/**
 * As real agents hand it out with a quote: firmware events without payload, run-time events without
 * digest. A verifier must compute the latter itself, so that no event can lie about its name.
 */
export function strippedEventLog(events: readonly MeasuredEvent[]): readonly EventLogEntry[] {
  return fullEventLog(events).map((entry) =>
    entry.event_type === runtimeEventType
      ? { ...entry, digest: "" }
      : { ...entry, event_payload: "" },
  );
}
