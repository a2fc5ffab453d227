import { p256 } from "@noble/curves/nist";
import { sha512 } from "@noble/hashes/sha2";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils";
import type { Extension } from "@peculiar/x509";
import { appInfoExtension, attestationExtension } from "../certificate/extensions.ts";
import { type Certificate, issueLeaf, type LeafRequest } from "../certificate/leaf.ts";
import { evidenceOver } from "../evidence.ts";
import type { Fields } from "../http/fields.ts";
import { type Instance, tdReport } from "../instance.ts";
import { p256Spki } from "../keys/p256.ts";
import { aggregatedMeasurement, systemMeasurement } from "../measurement/aggregate.ts";
import { vmConfig } from "../measurement/osImage.ts";
import { embeddedEvents, encodeAttestation } from "../quote/attestation.ts";
import { reportDataBytes } from "../quote/layout.ts";
import { RefusedRequest } from "../refusal.ts";
import { unverifiedDeviceId } from "./information.ts";

export type TlsKeyAnswer = { readonly key: string; readonly certificate_chain: readonly string[] };

/** 9999-12-31T23:59:59Z, the last second that a certificate can name. */
const certificateTimeMax = 253_402_300_799;

/** GetTlsKey: a fresh P-256 key and its certificate, which can carry an attestation. */
export async function getTlsKey(instance: Instance, fields: Fields): Promise<TlsKeyAnswer> {
  const notBefore = certificateTime(fields, "not_before");
  const notAfter = certificateTime(fields, "not_after");
  if (notBefore !== undefined && notAfter !== undefined && notBefore >= notAfter) {
    throw new RefusedRequest("not_before must be earlier than not_after");
  }
  const certificate = await issueLeaf(instance.app.authority, {
    ...leafRequest(instance, fields, p256.utils.randomPrivateKey()),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(fields.flag("with_app_info") ? { appInfo: appInfo(instance) } : {}),
  });
  return tlsKeyAnswer(certificate);
}

function certificateTime(fields: Fields, name: string): number | undefined {
  const time = fields.seconds(name);
  if (time === undefined || time <= certificateTimeMax) return time;
  throw new RefusedRequest(`invalid value for ${name}: expected at most ${certificateTimeMax}`);
}

/** What GetTlsKey and the legacy DeriveKey ask for in the same fields. */
export function leafRequest(instance: Instance, fields: Fields, secret: Uint8Array): LeafRequest {
  return {
    secret,
    subject: fields.text("subject"),
    alternativeNames: alternativeNames(fields),
    serverAuth: fields.flag("usage_server_auth"),
    clientAuth: fields.flag("usage_client_auth"),
    ...(fields.flag("usage_ra_tls") ? { attestation: attestKey(instance, secret) } : {}),
  };
}

/** Internationalised names are written in their ASCII form: a certificate holds no other. */
function alternativeNames(fields: Fields): readonly string[] {
  const names = fields.texts("alt_names");
  const wrong = names.find((name) => !/^[\x21-\x7e]+$/.test(name));
  if (wrong === undefined) return names;
  throw new RefusedRequest(`invalid value for alt_names: expected ASCII, got ${wrong}`);
}

export function tlsKeyAnswer(certificate: Certificate): TlsKeyAnswer {
  return { key: certificate.key, certificate_chain: certificate.chain };
}

/** Binds the certificate's public key to the instance: its hash is the quote's report data. */
function attestKey(instance: Instance, secret: Uint8Array): Extension {
  const reportData = certificateReportData(p256Spki(secret));
  const { quote, events } = evidenceOver(instance, reportData);
  const attestation = encodeAttestation({
    quote,
    events: embeddedEvents(events),
    reportData,
    config: vmConfig(instance.app.settings.image),
  });
  return attestationExtension(attestation);
}

/** @param spki the key's SubjectPublicKeyInfo, DER @returns 64 bytes */
export function certificateReportData(spki: Uint8Array): Uint8Array {
  return sha512(concatBytes(utf8ToBytes("ratls-cert:"), spki));
}

function appInfo(instance: Instance): Extension {
  const { app } = instance;
  const report = tdReport(instance, new Uint8Array(reportDataBytes));
  const keyProvider = utf8ToBytes(app.keyProviderInfo);
  return appInfoExtension([
    app.appId,
    app.composeHash,
    instance.instanceId,
    unverifiedDeviceId,
    systemMeasurement(report, keyProvider),
    aggregatedMeasurement(report),
    app.settings.image.osImageHash,
    keyProvider,
  ]);
}
