import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import { getComposeHash } from "@phala/dstack-sdk";
import { toFunctionSelector } from "viem";
import { describe, expect } from "vitest";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import { createApp } from "../../../simulator/src/app.ts";
import { tappdMethod } from "../../../simulator/src/methods/tappd.ts";
import { certificateReportData } from "../../../simulator/src/methods/tls.ts";
import { encodeAttestation } from "../../../simulator/src/quote/attestation.ts";
import { encodeSignedRegion } from "../../../simulator/src/quote/layout.ts";
import { decodeAttestation } from "../quote/scale.ts";
import { agentVersion, settings } from "../support.ts";
import { fields, golden, instanceWith, reportOf, vectors } from "./vectors.ts";

describe("documents recorded elsewhere", () => {
  golden("real quotes are written again from their fields", () => {
    for (const { quote, expected } of vectors().tdx_quote_parse) {
      const enclaveId = hexToBytes(expected.header_user_data.slice(0, 32));
      const region = encodeSignedRegion(reportOf(expected), enclaveId);
      expect(bytesToHex(region)).toBe(quote.slice(0, 1264));
    }
  });

  golden("a real attestation is written again as it was read", () => {
    const { hex, decoded } = vectors().scale_attestation_v0;
    const read = decodeAttestation(hexToBytes(hex));
    const runtimeEvents = read.runtimeEvents.map(({ name, payload }) => ({
      event: name,
      payload: bytesToHex(payload),
    }));

    expect(bytesToHex(encodeAttestation(read))).toBe(hex);
    expect({
      quote_len: read.quote.length,
      event_count: read.events.length,
      runtime_events: runtimeEvents,
      report_data: bytesToHex(read.reportData),
      config: read.config,
    }).toEqual({ ...decoded, version_byte: undefined, quote_variant_byte: undefined });
  });

  golden("the legacy report data is hashed alike", async () => {
    const instance = await instanceWith(null);
    const tdxQuote = tappdMethod("TdxQuote", agentVersion("0.5.8"));
    for (const { request, expected_report_data } of vectors().report_data.tdx_quote_hash) {
      const answer = await tdxQuote(instance, fields(request));
      const quote = String(Reflect.get(Object(answer), "quote"));
      expect(quote.slice(1136, 1264)).toBe(expected_report_data);
    }
  });

  golden("the report data of a certificate's key is hashed alike", () => {
    const { spki_der, expected } = vectors().report_data.ratls_cert;
    expect(bytesToHex(certificateReportData(hexToBytes(spki_der)))).toBe(expected);
  });
});

describe("compose files recorded elsewhere", () => {
  golden("have the hash that a real machine measured", async () => {
    const recorded = vectors().compose_hash.raw_file_vs_quote;
    const appCompose = Buffer.from(recorded.app_compose_raw_utf8);
    const app = await createApp(settings({ appCompose, appId: null }));
    expect(bytesToHex(app.composeHash)).toBe(recorded.compose_hash_event_in_real_quote);
    expect(bytesToHex(app.appId)).toBe(recorded.app_id_event);
  });

  golden("have the hashes that the client computes", () => {
    for (const { app_compose, normalize, expected } of vectors().compose_hash
      .sdk_get_compose_hash) {
      expect(getComposeHash(app_compose, normalize)).toBe(expected);
    }
  });
});

golden("the contract's functions are those that a KMS and its tools call", () => {
  const { evm } = vectors();
  const selectors = new Set(
    membershipAbi.filter((item) => item.type === "function").map(toFunctionSelector),
  );
  expect(selectors).toContain(evm.iappauth_interface_id);
  const managing = evm.iappauthbasicmanagement_functions.map(toFunctionSelector);
  for (const selector of managing) expect(selectors).toContain(selector);
  const together = managing.reduce((id, selector) => id ^ BigInt(selector), 0n);
  expect(`0x${together.toString(16)}`).toBe(evm.iappauthbasicmanagement_interface_id);
});
