/**
 * Appraises the evidence of one boot: every claim beside what this cluster accepts.
 *
 * Pure: whoever wants to check a cluster from outside asks the same questions of the same evidence.
 *
 * @see RFC 9334 (RATS), appraisal of evidence
 */
import type { Admission, Appraisal, BootProof } from "../runtime/attestation.ts";
import { type Check, check } from "./check.ts";
import type { EventLog } from "./eventLog.ts";
import { keyChecks } from "./keyProof.ts";
import type { OsMeasurements } from "./osMeasurements.ts";
import type { Pck } from "./pck.ts";
import { type Quote, QuoteError } from "./quote.ts";
import { tdAttributeChecks } from "./tdAttributes.ts";
import type { TcbState } from "./tdxModule.ts";

export type Policy = {
  /** Intel's names. */
  readonly tcbStatusesAllowed: readonly string[];
  /** Empty: whichever image dstack's KMS gave keys to. */
  readonly osMeasurements: readonly OsMeasurements[];
};

/** What the contract says of whoever presents a boot. */
export type MemberOnRecord = {
  /** 20 bytes, lower-case hex. */
  readonly instanceId: string;
};

export type Evidence = {
  readonly proof: BootProof;
  readonly quote: Quote;
  readonly pck: Pck;
  readonly log: EventLog;
};
/** What evidence is held against. */
export type Reference = {
  readonly trust: TcbState;
  readonly admission: Admission;
  readonly record: MemberOnRecord;
  readonly policy: Policy;
};

/**
 * What the quote and its event log say without anyone else's word.
 *
 * @param quote.mrConfigId form 1 holds the compose hash; other forms are shown, not compared
 */
export function platformChecks({ quote, log }: Pick<Evidence, "quote" | "log">): readonly Check[] {
  return [
    check("QE vendor", intelVendorId, quote.qeVendorId),
    // Zeros stand for Intel: another signer's module would be one for development.
    check("TDX module's signer", zeros(48), quote.mrSignerSeam),
    ...tdAttributeChecks(quote.tdAttributes),
    digestCheck(log),
    ...log.rtmrs.map((replayed, register) =>
      // What the log gives is wrong, for the register is signed.
      check(`event log, RTMR${register}`, quote.rtmrs[register] ?? "", replayed),
    ),
    factCheck("compose hash event", log.facts.composeHash),
    factCheck("app id event", log.facts.appId),
    factCheck("instance id event", log.facts.instanceId),
    configCheck(quote.mrConfigId, log.facts.composeHash ?? ""),
  ];
}

/** What the quote says, held against the contract, the policy and the state of the platform. */
export function admissionChecks(evidence: Evidence, reference: Reference): readonly Check[] {
  const { quote, pck, log, proof } = evidence;
  const { trust, admission, record, policy } = reference;
  const { composeHash, appId, instanceId, osImageHash } = log.facts;
  const statuses = policy.tcbStatusesAllowed;
  return [
    within(
      "TCB status",
      trust.tcbStatus,
      statuses.join(" or "),
      statuses.includes(trust.tcbStatus),
    ),
    within(
      "TCB status by contract",
      trust.tcbStatus,
      admission.tcbUpToDateRequired ? "UpToDate" : "any",
      !admission.tcbUpToDateRequired || trust.tcbStatus === "UpToDate",
    ),
    within(
      "compose hash",
      composeHash,
      "one that the contract allows",
      admission.composeHashAllowed,
    ),
    check("app id", admission.appId, appId ?? "none"),
    check("instance id", record.instanceId, instanceId ?? "none"),
    within(
      "OS image",
      osImageHash,
      admission.osImagesRestricted ? "one that the contract allows" : "any",
      admission.osImageAllowed && (osImageHash !== null || !admission.osImagesRestricted),
    ),
    within("device", pck.deviceId, "one that the contract allows", admission.deviceAllowed),
    measurementCheck(quote, policy.osMeasurements),
    ...keyChecks(proof.keyProof, {
      wallet: proof.wallet,
      instanceId: instanceId ?? "",
      appId: admission.appId,
      kmsRoot: admission.kmsRoot,
    }),
  ];
}

export function appraisalOf({ log, pck }: Evidence, trust: TcbState): Appraisal {
  const { composeHash, appId, instanceId, osImageHash } = log.facts;
  if (composeHash === null || appId === null || instanceId === null) {
    throw new QuoteError(
      { code: "quote.malformed", reason: "its event log names no application" },
      "not appraised: the quote's event log names no application",
    );
  }
  const { deviceId } = pck;
  return { composeHash, appId, instanceId, osImageHash, deviceId, ...trust };
}

const intelVendorId = "939a7233f79c4ca9940a0db3957f0607";
const zeros = (bytes: number): string => "00".repeat(bytes);

function within(name: string, actual: string | null, expected: string, ok: boolean): Check {
  return { name, ok, expected, actual: actual ?? "none" };
}

function factCheck(name: string, value: string | null): Check {
  return within(name, value, "one before system-ready, of the right length", value !== null);
}

function digestCheck({ wrongDigest }: EventLog): Check {
  if (wrongDigest === null)
    return check("event log, digests", "those of the events", "those of the events");
  const { event, expected, actual } = wrongDigest;
  return check("event log, digests", `${expected} for ${event}`, actual);
}

/** Form 1 is 01, the compose hash, zeros. Older machines leave it empty, newer ones hash more. */
function configCheck(mrConfigId: string, composeHash: string): Check {
  const form = mrConfigId.slice(0, 2);
  if (form === "01") return check("MR config id", `01${composeHash}${zeros(15)}`, mrConfigId);
  const what = mrConfigId === zeros(48) ? "empty" : `of form ${form}, not compared: ${mrConfigId}`;
  return within("MR config id", what, "empty, of form 01 with the compose hash, or another", true);
}

function measurementCheck(quote: Quote, accepted: readonly OsMeasurements[]): Check {
  const { mrTd, rtmrs } = quote;
  const found = accepted.find(
    (image) =>
      image.mrTd === mrTd &&
      (image.rtmr0 ?? rtmrs[0]) === rtmrs[0] &&
      image.rtmr1 === rtmrs[1] &&
      image.rtmr2 === rtmrs[2],
  );
  const actual = `MRTD ${mrTd}, RTMR0 ${rtmrs[0]}, RTMR1 ${rtmrs[1]}, RTMR2 ${rtmrs[2]}`;
  if (accepted.length === 0) return within("OS measurements", actual, "any", true);
  const names = accepted.map(({ name }) => name).join(" or ");
  return within("OS measurements", actual, `those of ${names}`, found !== undefined);
}
