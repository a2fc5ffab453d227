import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import { describe, expect } from "vitest";
import { createApp } from "../../../simulator/src/app.ts";
import { createInstance, instanceIdOf } from "../../../simulator/src/instance.ts";
import {
  aggregatedMeasurement,
  systemMeasurement,
} from "../../../simulator/src/measurement/aggregate.ts";
import { parseBootLog } from "../../../simulator/src/measurement/osImage.ts";
import {
  type MeasuredEvent,
  replayRegister,
  runtimeEvent,
} from "../../../simulator/src/measurement/register.ts";
import { unverifiedDeviceId } from "../../../simulator/src/methods/information.ts";
import type { TdReport } from "../../../simulator/src/quote/layout.ts";
import { settings } from "../support.ts";
import { golden, type LogEntry, type ParsedQuote, reportOf, vectors } from "./vectors.ts";

describe("logs of real machines", () => {
  golden("replay to the registers that were quoted", () => {
    for (const { event_log, expected_from_quote } of vectors().rtmr_replay) {
      const events = event_log.map(measuredEvent);
      for (const imr of [0, 1, 2, 3] as const) {
        const register = bytesToHex(replayRegister(events, imr));
        expect(register).toBe(expected_from_quote[`rtmr${imr}`]);
      }
    }
  });

  golden("can be booted from: an instance then has those registers", () => {
    for (const { event_log, expected_from_quote } of vectors().rtmr_replay) {
      const ofImage = event_log.filter(({ imr }) => imr !== 3);
      const events = parseBootLog(JSON.stringify(ofImage));
      for (const imr of [0, 1, 2] as const) {
        const register = bytesToHex(replayRegister(events, imr));
        expect(register).toBe(expected_from_quote[`rtmr${imr}`]);
      }
    }
  });

  golden("are aggregated with their quotes alike, in full and through the boot", () => {
    for (const recorded of vectors().rtmr_replay) {
      const events = recorded.event_log.map(measuredEvent);
      const report = quotedReport(recorded.quote_ref);
      const keyProvider = events.find(({ name }) => name === "key-provider")?.payload;
      const bootEnd = events.findIndex(({ name }) => name === "boot-mr-done");
      const rtmr3 = replayRegister(events.slice(0, bootEnd + 1), 3);
      const [rtmr0, rtmr1, rtmr2] = report.rtmrs;
      const booted = { ...report, rtmrs: [rtmr0, rtmr1, rtmr2, rtmr3] } satisfies TdReport;

      expect(bytesToHex(aggregatedMeasurement(report))).toBe(recorded.mr_aggregated_runtime);
      expect(bytesToHex(rtmr3)).toBe(recorded.rtmr3_up_to_boot_mr_done);
      expect(bytesToHex(aggregatedMeasurement(booted))).toBe(recorded.mr_aggregated_boottime);
      expect(bytesToHex(systemMeasurement(report, keyProvider ?? new Uint8Array()))).toBe(
        recorded.mr_system_runtime,
      );
    }
  });
});

describe("measurements recorded elsewhere", () => {
  golden("of events have the same digests", () => {
    for (const { event, payload, digest_v1 } of vectors().runtime_event_digest) {
      expect(bytesToHex(runtimeEvent(event, hexToBytes(payload)).digest)).toBe(digest_v1);
    }
  });

  golden("of a real machine are aggregated alike", () => {
    const { measurements } = vectors();
    const report = reportOf({ ...blankReport, ...measurements });
    const keyProvider = hexToBytes(measurements.key_provider_info);
    expect(bytesToHex(aggregatedMeasurement(report))).toBe(measurements.expected_mr_aggregated);
    expect(bytesToHex(systemMeasurement(report, keyProvider))).toBe(
      measurements.expected_mr_system,
    );
  });

  golden("of instances have the same ids", async () => {
    for (const { seed, app_id, expected, no_instance_id } of vectors().instance_id) {
      if (no_instance_id === true) {
        const appCompose = Buffer.from('{"no_instance_id": true}');
        const { instanceId } = await createInstance(await createApp(settings({ appCompose })), "a");
        expect(bytesToHex(instanceId)).toBe(expected);
      } else {
        expect(bytesToHex(instanceIdOf(hexToBytes(seed), hexToBytes(app_id)))).toBe(expected);
      }
    }
  });

  golden("of a device that was not verified are the same", () => {
    expect(bytesToHex(unverifiedDeviceId)).toBe(vectors().unverified_device_id.value);
  });
});

/** A digest that was left out is computed from name and payload, as every verifier must. */
function measuredEvent(entry: LogEntry): MeasuredEvent {
  const payload = hexToBytes(entry.event_payload);
  if (entry.digest === "") return runtimeEvent(entry.event, payload);
  const digest = hexToBytes(entry.digest);
  return { imr: entry.imr, eventType: entry.event_type, digest, name: entry.event, payload };
}

function quotedReport(name: string): TdReport {
  const found = vectors().tdx_quote_parse.find((quote) => quote.name === name);
  if (found === undefined) throw new Error(`expected a quote named ${name}`);
  return reportOf(found.expected);
}

const blankReport: ParsedQuote = {
  header_user_data: "",
  tee_tcb_svn: "",
  mr_seam: "",
  mr_signer_seam: "",
  seam_attributes: "",
  td_attributes: "",
  xfam: "",
  mrtd: "",
  mr_config_id: "",
  mr_owner: "",
  mr_owner_config: "",
  rtmr0: "",
  rtmr1: "",
  rtmr2: "",
  rtmr3: "",
  report_data: "",
};
