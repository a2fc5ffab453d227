/**
 * Values recorded from other implementations, and from real hardware. They are not part of this
 * project: the variable DSTACK_VECTORS names a file of them where there is one.
 */
import { existsSync, readFileSync } from "node:fs";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { describe, expect, test } from "vitest";
import { createApp } from "../../simulator/src/app.ts";
import { jsonFields } from "../../simulator/src/http/fields.ts";
import { createInstance, type Instance, instanceIdOf } from "../../simulator/src/instance.ts";
import { deriveSecret } from "../../simulator/src/keys/kdf.ts";
import { type AppKeys, issueAppKeys, kmsRootAddress } from "../../simulator/src/keys/kms.ts";
import { p256Pkcs8, p256Spki } from "../../simulator/src/keys/p256.ts";
import { compressedPublicKey } from "../../simulator/src/keys/secp256k1.ts";
import {
  aggregatedMeasurement,
  systemMeasurement,
} from "../../simulator/src/measurement/aggregate.ts";
import {
  type MeasuredEvent,
  replayRegister,
  runtimeEvent,
} from "../../simulator/src/measurement/register.ts";
import { getKey } from "../../simulator/src/methods/keys.ts";
import { sign } from "../../simulator/src/methods/signing.ts";
import { tappdMethod } from "../../simulator/src/methods/tappd.ts";
import { encodeAttestation } from "../../simulator/src/quote/attestation.ts";
import { encodeSignedRegion, type TdReport } from "../../simulator/src/quote/layout.ts";
import { decodeAttestation } from "./quote/scale.ts";
import { agentVersion, settings } from "./support.ts";

const { DSTACK_VECTORS: file = "" } = process.env;
const isPresent = existsSync(file);
const golden = test.runIf(isPresent);

function vectors(): Vectors {
  return JSON.parse(readFileSync(file, "utf8"));
}

describe("keys recorded elsewhere", () => {
  golden("are those of GetKey, with their chains", async () => {
    for (const { app_keys, vectors: recorded } of vectors().get_key) {
      const instance = await instanceWith(app_keys);
      for (const { request, response } of recorded) {
        expect(getKey(instance, fields(request))).toEqual(response);
      }
    }
  });

  golden("sign as Sign does", async () => {
    const [appKeys] = vectors().get_key;
    if (appKeys === undefined) throw new Error("expected app keys");
    const instance = await instanceWith(appKeys.app_keys);
    for (const { request, response } of vectors().sign.vectors) {
      expect(sign(instance, fields(request))).toEqual(response);
    }
  });

  golden("are issued to an app by the same roots", () => {
    const { app } = vectors().kms_derivation;
    const kms = {
      rootKey: hexToBytes(app.kms_k256_root_private_key),
      authorityKey: hexToBytes(app.kms_p256_ca_scalar),
    };
    const keys = issueAppKeys(kms, hexToBytes(app.app_id));
    expect({
      kms_k256_root_address: kmsRootAddress(kms),
      kms_p256_ca_spki_der: bytesToHex(p256Spki(kms.authorityKey)),
      k256_key: bytesToHex(keys.appKey),
      k256_public_key: bytesToHex(compressedPublicKey(keys.appKey)),
      k256_signature: bytesToHex(keys.kmsSignature),
      app_ca_p256_scalar: bytesToHex(keys.authorityKey),
    }).toEqual(Object.fromEntries(derivedNames.map((name) => [name, app[name]])));
  });

  golden("of P-256 have the same encoding", () => {
    const { kms_derivation, tappd_derive_key } = vectors();
    const { root_p256_scalar, contexts_utf8, ...expected } = kms_derivation.p256_dh_secret;
    const derived = deriveSecret(hexToBytes(root_p256_scalar), ...contexts_utf8.map(utf8ToBytes));
    expect(bytesToHex(derived)).toBe(expected.derived_p256_scalar);
    expect(bytesToHex(p256Pkcs8(derived))).toBe(expected.derived_pkcs8_der);
    const tappdKey = hexToBytes(tappd_derive_key.p256_private_scalar);
    expect(bytesToHex(p256Pkcs8(tappdKey))).toBe(tappd_derive_key.pkcs8_der);
  });
});

describe("measurements recorded elsewhere", () => {
  golden("of real machines replay to the registers that were quoted", () => {
    for (const { event_log, expected_from_quote } of vectors().rtmr_replay) {
      const events = event_log.map(measuredEvent);
      for (const imr of [0, 1, 2, 3] as const) {
        const register = bytesToHex(replayRegister(events, imr));
        expect(register).toBe(expected_from_quote[`rtmr${imr}`]);
      }
    }
  });

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

  golden("of instances have the same ids", () => {
    for (const { seed, app_id, expected, no_instance_id } of vectors().instance_id) {
      if (no_instance_id === true) continue;
      expect(bytesToHex(instanceIdOf(hexToBytes(seed), hexToBytes(app_id)))).toBe(expected);
    }
  });
});

describe("documents recorded elsewhere", () => {
  golden("real quotes are written again from their fields", () => {
    for (const { quote, expected } of vectors().tdx_quote_parse) {
      const enclaveId = hexToBytes(expected.header_user_data.slice(0, 32));
      const region = encodeSignedRegion(reportOf(expected), enclaveId);
      expect(bytesToHex(region)).toBe(quote.slice(0, 1264));
    }
  });

  golden("a real attestation is written again as it was read", () => {
    const { hex } = vectors().scale_attestation_v0;
    expect(bytesToHex(encodeAttestation(decodeAttestation(hexToBytes(hex))))).toBe(hex);
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
});

/** What this project also derives, of all that was recorded for one app. */
const derivedNames = [
  "kms_k256_root_address",
  "kms_p256_ca_spki_der",
  "k256_key",
  "k256_public_key",
  "k256_signature",
  "app_ca_p256_scalar",
] as const;

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

function fields(request: object): ReturnType<typeof jsonFields> {
  return jsonFields(utf8ToBytes(JSON.stringify(request)));
}

async function instanceWith(recorded: KeyVectors["app_keys"] | null): Promise<Instance> {
  const app = await createApp(settings());
  if (recorded === null) return createInstance(app, "node1");
  const keys: AppKeys = {
    ...app.keys,
    appKey: hexToBytes(recorded.k256_key),
    kmsSignature: hexToBytes(recorded.k256_signature),
  };
  return createInstance({ ...app, keys }, "node1");
}

/** A digest that was left out is computed from name and payload, as every verifier must. */
function measuredEvent(entry: LogEntry): MeasuredEvent {
  const payload = hexToBytes(entry.event_payload);
  if (entry.digest === "") return runtimeEvent(entry.event, payload);
  const digest = hexToBytes(entry.digest);
  return { imr: entry.imr, eventType: entry.event_type, digest, name: entry.event, payload };
}

function reportOf(quoted: ParsedQuote): TdReport {
  const bytes = (name: keyof ParsedQuote): Uint8Array => hexToBytes(quoted[name]);
  return {
    teeTcbSvn: bytes("tee_tcb_svn"),
    mrSeam: bytes("mr_seam"),
    mrSignerSeam: bytes("mr_signer_seam"),
    seamAttributes: bytes("seam_attributes"),
    tdAttributes: bytes("td_attributes"),
    xfam: bytes("xfam"),
    mrtd: bytes("mrtd"),
    mrConfigId: bytes("mr_config_id"),
    mrOwner: bytes("mr_owner"),
    mrOwnerConfig: bytes("mr_owner_config"),
    rtmrs: [bytes("rtmr0"), bytes("rtmr1"), bytes("rtmr2"), bytes("rtmr3")],
    reportData: bytes("report_data"),
  };
}

type Bytes = string;
type KeyVectors = {
  readonly app_keys: { readonly k256_key: Bytes; readonly k256_signature: Bytes };
  readonly vectors: readonly { readonly request: object; readonly response: object }[];
};
type Registers = Readonly<Record<"mrtd" | "rtmr0" | "rtmr1" | "rtmr2" | "rtmr3", Bytes>>;
type Configuration = Readonly<Record<"mr_config_id" | "mr_owner" | "mr_owner_config", Bytes>>;
type ParsedQuote = Registers &
  Configuration &
  Readonly<
    Record<
      | "header_user_data"
      | "tee_tcb_svn"
      | "mr_seam"
      | "mr_signer_seam"
      | "seam_attributes"
      | "td_attributes"
      | "xfam"
      | "report_data",
      Bytes
    >
  >;
type LogEntry = Readonly<Record<"digest" | "event" | "event_payload", string>> & {
  readonly imr: MeasuredEvent["imr"];
  readonly event_type: number;
};
type DerivedName = (typeof derivedNames)[number];
type Vectors = {
  readonly get_key: readonly KeyVectors[];
  readonly sign: { readonly vectors: KeyVectors["vectors"] };
  readonly kms_derivation: {
    readonly p256_dh_secret: Readonly<
      Record<"root_p256_scalar" | "derived_p256_scalar" | "derived_pkcs8_der", Bytes>
    > & { readonly contexts_utf8: readonly string[] };
    readonly app: Readonly<
      Record<"kms_k256_root_private_key" | "kms_p256_ca_scalar" | "app_id" | DerivedName, string>
    >;
  };
  readonly tappd_derive_key: Readonly<Record<"p256_private_scalar" | "pkcs8_der", Bytes>>;
  readonly runtime_event_digest: readonly Readonly<
    Record<"event" | "payload" | "digest_v1", string>
  >[];
  readonly rtmr_replay: readonly {
    readonly event_log: readonly LogEntry[];
    readonly expected_from_quote: Readonly<Record<string, Bytes>>;
  }[];
  readonly scale_attestation_v0: { readonly hex: Bytes };
  readonly measurements: Registers &
    Configuration &
    Readonly<Record<"key_provider_info" | "expected_mr_aggregated" | "expected_mr_system", string>>;
  readonly instance_id: readonly (Readonly<Record<"seed" | "app_id" | "expected", Bytes>> & {
    readonly no_instance_id?: boolean;
  })[];
  readonly tdx_quote_parse: readonly { readonly quote: Bytes; readonly expected: ParsedQuote }[];
  readonly report_data: {
    readonly tdx_quote_hash: readonly {
      readonly request: object;
      readonly expected_report_data: Bytes;
    }[];
  };
};
