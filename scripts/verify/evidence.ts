/**
 * Appraises what one member answered to `GET /attestation?nonce=`, by the node's own rules.
 *
 * Whatever the answer says of itself is compared with the contract as read here, with the root and
 * the policy that the caller chose, and with the caller's nonce. A member that relays another's
 * answer, or an old one, has neither its wallet nor this nonce in the quote.
 */
import type { BootProof, ReadAdmission } from "../../node/src/runtime/attestation.ts";
import type { Block, MemberRecord } from "../../node/src/runtime/ports.ts";
import {
  admissionChecks,
  type Evidence,
  type Policy,
  platformChecks,
} from "../../node/src/tee/appraise.ts";
import { type Certificate, nameOf } from "../../node/src/tee/certificates.ts";
import { chainCheck, expectPck, verifyChainOfTrust } from "../../node/src/tee/chainOfTrust.ts";
import type { Check } from "../../node/src/tee/check.ts";
import type { Collateral } from "../../node/src/tee/collateral.ts";
import type { Pck } from "../../node/src/tee/pck.ts";
import { QuoteError } from "../../node/src/tee/quote.ts";
import type { TcbState } from "../../node/src/tee/tdxModule.ts";
import { evidenceOf } from "../../node/src/tee/verifyBoot.ts";
import { bindingFindings } from "./binding.ts";
import { type Finding, failed, findingOf, type Group, ok, skipped } from "./finding.ts";

/** What a member's evidence is held against. */
export type Standards = {
  readonly cluster: { readonly chainId: number; readonly contract: string };
  /** The newest block, as the verifier's endpoints show it. */
  readonly head: Block;
  readonly blockAt: (number: bigint) => Promise<Block | null>;
  readonly readAdmission: ReadAdmission;
  readonly root: Certificate;
  readonly policy: Policy;
  /** Lower-case hex; empty: whichever the contract allows. */
  readonly composeHashes: readonly string[];
  /** Of a quote's block, behind the newest. */
  readonly maxAgeMs: number;
  /** Milliseconds since the Unix epoch: when certificates and collateral must be valid. */
  readonly nowMs: number;
  /** @throws QuoteError quote.unverifiable when there is none for that platform */
  readonly collateralFor: (pck: Pck, served: Collateral | null) => Promise<Collateral>;
};

export type Presented = {
  /** As the contract lists it. */
  readonly member: Pick<MemberRecord, "id" | "instanceId">;
  /** 32 bytes, hex: what the member was asked to put into its quote. */
  readonly nonce: string;
  readonly answer: unknown;
  readonly served: Collateral | null;
};

export type Appraised = {
  readonly findings: readonly Finding[];
  /** null: nothing that could be read. */
  readonly proof: BootProof | null;
  /** Name of the root that the quote's certificates end in; null when there are none. */
  readonly ownRoot: string | null;
};

/** @throws ChainError when the contract or a block cannot be read */
export async function appraise(presented: Presented, standards: Standards): Promise<Appraised> {
  const evidence = evidenceIn(presented.answer);
  if (evidence instanceof QuoteError) return unreadable(evidence);
  const trust = await trustIn(evidence, presented.served, standards);
  const findings = [
    ...trust.findings,
    ...grouped(platformChecks(evidence)),
    ...(await admissionFindings(evidence, trust.state, presented, standards)),
    ...(await bindingFindings(evidence, presented, standards)),
  ];
  return { findings, proof: evidence.proof, ownRoot: rootNameOf(evidence.pck) };
}

/** What there would have been to check, had there been something to check. */
export function notPresented(reason: string): readonly Finding[] {
  const none = { expected: "an answer to GET /attestation", actual: reason };
  return [failed(trustGroup, "attestation", none), ...withoutEvidence(reason)];
}

function unreadable({ message }: QuoteError): Appraised {
  const found = { expected: "a proof with a TDX quote and its event log", actual: message };
  const findings = [failed(trustGroup, "attestation", found), ...withoutEvidence(message)];
  return { findings, proof: null, ownRoot: null };
}

function withoutEvidence(reason: string): readonly Finding[] {
  return [
    skipped(trustGroup, chainCheck, reason),
    skipped("measurements", "compose hash", reason),
    skipped("freshness", "nonce", reason),
  ];
}

function evidenceIn(answer: unknown): Evidence | QuoteError {
  try {
    return evidenceOf(answer as BootProof);
  } catch (error) {
    if (error instanceof QuoteError) return error;
    throw error;
  }
}

type Trust = { readonly findings: readonly Finding[]; readonly state: TcbState | null };

async function trustIn(
  { proof, pck }: Evidence,
  served: Collateral | null,
  { root, nowMs, collateralFor }: Standards,
): Promise<Trust> {
  try {
    // Before anyone is asked for collateral of whatever model it names.
    expectPck(pck, root);
    const collateral = await collateralFor(pck, served);
    const question = { quote: proof.quote, collateral, root: root.x509.toString(), atMs: nowMs };
    const state = await verifyChainOfTrust(question);
    return { findings: [ok(trustGroup, chainCheck, `signed, up to ${nameOf(root)}`)], state };
  } catch (error) {
    if (!(error instanceof QuoteError)) throw error;
    const { fault } = error;
    if (fault.code === "quote.rejected") return untrusted(fault);
    const expected = "collateral that is signed and valid now";
    return untrusted({ check: "collateral", expected, actual: error.message });
  }
}

function untrusted({
  check,
  ...found
}: {
  check: string;
  expected: string;
  actual: string;
}): Trust {
  const finding = failed(trustGroup, check, found);
  const rest =
    check === chainCheck ? [] : [skipped(trustGroup, chainCheck, `for want of ${check}`)];
  return { findings: [finding, ...rest], state: null };
}

async function admissionFindings(
  evidence: Evidence,
  trust: TcbState | null,
  { member }: Presented,
  { readAdmission, policy, composeHashes }: Standards,
): Promise<readonly Finding[]> {
  const { composeHash, osImageHash } = evidence.log.facts;
  const { deviceId } = evidence.pck;
  // The contract allows no hash of zeros, and the event that is missing is found out by name.
  const asked = { composeHash: composeHash ?? "00".repeat(32), deviceId, osImageHash };
  const checks = admissionChecks(evidence, {
    trust: trust ?? { tcbStatus: "unknown", advisoryIds: [] },
    admission: await readAdmission(asked),
    record: { instanceId: member.instanceId },
    policy,
  });
  const expected = composeHashes.join(" or ");
  const isExpected = composeHashes.length === 0 || composeHashes.includes(composeHash ?? "");
  const own = {
    name: "compose hash, by caller",
    ok: isExpected,
    expected,
    actual: composeHash ?? "none",
  };
  const all = composeHashes.length === 0 ? checks : [...checks, own];
  return grouped(all).map((finding) =>
    trust === null && finding.check.startsWith("TCB status")
      ? skipped(finding.group, finding.check, "unknown without a chain of trust")
      : finding,
  );
}

const trustGroup = "chain of trust";
const groupsByCheck: Readonly<Record<string, Group>> = {
  "QE vendor": trustGroup,
  "TDX module's signer": trustGroup,
  "debug attribute": trustGroup,
  "TD attributes": trustGroup,
  "TCB status": trustGroup,
  "TCB status by contract": trustGroup,
  device: trustGroup,
  "instance id": "roster",
  "derived key": "roster",
  "app key": "roster",
  "KMS root": "roster",
};

function grouped(checks: readonly Check[]): readonly Finding[] {
  return checks.map((check) => findingOf(groupsByCheck[check.name] ?? "measurements", check));
}

function rootNameOf({ chain }: Pck): string | null {
  const subject = chain.at(-1)?.x509.subject ?? "";
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? null;
}
