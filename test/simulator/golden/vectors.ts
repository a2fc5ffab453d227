/**
 * Values recorded from other implementations, and from real hardware. They are not part of this
 * project: the variable DSTACK_VECTORS names a file of them where there is one.
 */
import { existsSync, readFileSync } from "node:fs";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { Collateral } from "@phala/dcap-qvl";
import type { getComposeHash } from "@phala/dstack-sdk";
import { test } from "vitest";
import { type App, createApp } from "../../../simulator/src/app.ts";
import { jsonFields } from "../../../simulator/src/http/fields.ts";
import { createInstance, type Instance } from "../../../simulator/src/instance.ts";
import type { MeasuredEvent } from "../../../simulator/src/measurement/register.ts";
import type { TdReport } from "../../../simulator/src/quote/layout.ts";
import { settings } from "../support.ts";

const { DSTACK_VECTORS: file = "" } = process.env;

/** A test that needs the file. */
export const golden = test.runIf(existsSync(file));

export function vectors(): Vectors {
  return JSON.parse(readFileSync(file, "utf8"));
}

export function fields(request: object): ReturnType<typeof jsonFields> {
  return jsonFields(utf8ToBytes(JSON.stringify(request)));
}

/** An instance of an app whose keys were recorded elsewhere; `null` for keys of its own. */
export async function instanceWith(recorded: AppKeys | null): Promise<Instance> {
  const app = await createApp(settings());
  return createInstance(recorded === null ? app : { ...app, keys: keysOf(app, recorded) }, "node1");
}

function keysOf(app: App, recorded: AppKeys): App["keys"] {
  return {
    ...app.keys,
    appKey: hexToBytes(recorded.k256_key),
    kmsSignature: hexToBytes(recorded.k256_signature),
  };
}

export function reportOf(quoted: ParsedQuote): TdReport {
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
export type AppKeys = Readonly<Record<"k256_key" | "k256_signature", Bytes>>;
type Exchange = { readonly request: object; readonly response: object };
type Registers = Readonly<Record<"mrtd" | "rtmr0" | "rtmr1" | "rtmr2" | "rtmr3", Bytes>>;
type Configuration = Readonly<Record<"mr_config_id" | "mr_owner" | "mr_owner_config", Bytes>>;
export type ParsedQuote = Registers &
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
export type LogEntry = Readonly<Record<"digest" | "event" | "event_payload", string>> & {
  readonly imr: MeasuredEvent["imr"];
  readonly event_type: number;
};
type Replay = {
  readonly name: string;
  readonly quote_ref: string;
  readonly event_log: readonly LogEntry[];
  readonly expected_from_quote: Readonly<Record<string, Bytes>>;
  readonly rtmr3_up_to_boot_mr_done: Bytes;
  readonly mr_aggregated_runtime: Bytes;
  readonly mr_aggregated_boottime: Bytes;
  readonly mr_system_runtime: Bytes;
};
type VerifiedQuote = {
  readonly quote: Bytes;
  readonly collateral: Collateral;
  readonly verify_at_unix: number;
  readonly expected_status: string;
};

type AppSecret =
  | "app_id"
  | "instance_id"
  | "kms_k256_root_private_key"
  | "kms_k256_root_public_key"
  | "kms_k256_root_address"
  | "kms_p256_ca_scalar"
  | "kms_p256_ca_spki_der"
  | "k256_key"
  | "k256_public_key"
  | "k256_signature"
  | "app_ca_p256_scalar"
  | "env_encrypt_private_key"
  | "env_encrypt_public_key"
  | "env_pubkey_signature_legacy"
  | "disk_crypt_key";

export type Vectors = {
  readonly get_key: readonly {
    readonly app_keys: AppKeys;
    readonly app_id: Bytes;
    readonly expected_app_public_key?: Bytes;
    readonly vectors: readonly (Exchange & Readonly<Record<string, string>>)[];
  }[];
  readonly get_attestation_for_app_key: {
    readonly k256_key: Bytes;
    readonly derived_key_path: string;
    readonly derived_key: Bytes;
    readonly ed25519: { readonly report_data_text_utf8: string };
    readonly secp256k1: { readonly report_data_text_utf8: string };
  };
  readonly sign: {
    readonly vectors: readonly Exchange[];
    readonly errors: readonly {
      readonly request: object;
      readonly error?: string;
      readonly error_contains?: string;
    }[];
  };
  readonly kms_derivation: {
    readonly p256_dh_secret: Readonly<
      Record<
        "root_p256_scalar" | "derived_p256_scalar" | "derived_pkcs8_der" | "secret_sha256_of_pkcs8",
        Bytes
      >
    > & { readonly contexts_utf8: readonly string[] };
    readonly app: Readonly<Record<AppSecret, string>> & {
      readonly env_pubkey_signature_v1: { readonly timestamp: number; readonly signature: Bytes };
    };
  };
  readonly env_encrypt_pubkey_signature: Readonly<
    Record<"public_key" | "signature" | "app_id" | "expected_signer", Bytes>
  >;
  readonly tappd_derive_key: Readonly<Record<"p256_private_scalar" | "pkcs8_der", Bytes>> & {
    readonly request: object;
  };
  readonly compose_hash: {
    readonly sdk_get_compose_hash: readonly {
      readonly name: string;
      readonly app_compose: Parameters<typeof getComposeHash>[0];
      readonly normalize: boolean;
      readonly expected: Bytes;
    }[];
    readonly raw_file_vs_quote: Readonly<
      Record<"app_compose_raw_utf8" | "compose_hash_event_in_real_quote" | "app_id_event", string>
    >;
  };
  readonly runtime_event_digest: readonly Readonly<
    Record<"event" | "payload" | "digest_v1", string>
  >[];
  readonly rtmr_replay: readonly Replay[];
  readonly scale_attestation_v0: {
    readonly hex: Bytes;
    readonly decoded: {
      readonly quote_len: number;
      readonly event_count: number;
      readonly runtime_events: readonly { readonly event: string; readonly payload: Bytes }[];
      readonly report_data: Bytes;
      readonly config: string;
    };
  };
  readonly measurements: Registers &
    Configuration &
    Readonly<Record<"key_provider_info" | "expected_mr_aggregated" | "expected_mr_system", string>>;
  readonly unverified_device_id: { readonly value: Bytes };
  readonly instance_id: readonly (Readonly<Record<"seed" | "app_id" | "expected", Bytes>> & {
    readonly no_instance_id?: boolean;
  })[];
  readonly tdx_quote_parse: readonly {
    readonly name: string;
    readonly quote: Bytes;
    readonly expected: ParsedQuote;
  }[];
  readonly tdx_quote_verify_intel: VerifiedQuote;
  readonly tdx_quote_verify_dev: VerifiedQuote & {
    readonly root_der: Bytes;
    readonly expected_error_with_intel_root: string;
  };
  readonly report_data: {
    readonly ratls_cert: Readonly<Record<"spki_der" | "expected", Bytes>>;
    readonly tdx_quote_hash: readonly {
      readonly request: object;
      readonly expected_report_data: Bytes;
    }[];
  };
  readonly evm: Readonly<
    Record<"iappauth_interface_id" | "iappauthbasicmanagement_interface_id", string>
  > & { readonly iappauthbasicmanagement_functions: readonly string[] };
};
