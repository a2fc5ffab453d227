/**
 * What the core asks of the chain: votes, certificates, changes of leader and members, cold starts,
 * anchors, evidence.
 *
 * Each may lose a race (someone else's transaction started the next term first); that is no fault.
 * The core asks again when it still needs to, so nothing is retried here.
 */
import type { AnchorCertificate, Effect, ReportEquivocation } from "../consensus/effect.ts";
import type { MemberId } from "../consensus/ids.ts";
import type { Input } from "../consensus/input.ts";
import { isQuorumOfEach } from "../consensus/quorum.ts";
import { memberOf } from "../consensus/roster.ts";
import type { View } from "../consensus/view.ts";
import { ClusterError } from "../errors.ts";
import type {
  Chain,
  CheckpointCertificate,
  Count,
  Log,
  RecoverVoucher,
  SignedCheckpoint,
  SignVote,
} from "./ports.ts";

export type Petition = Extract<
  Effect,
  {
    kind:
      | "sign-vote"
      | "submit-no-confidence"
      | "cast-vote"
      | "hand-over"
      | "cold-start"
      | "admit"
      | "remove"
      | "anchor"
      | "report-equivocation";
  }
>;

export type PetitionerOptions = {
  readonly chain: Chain;
  readonly signVote: SignVote;
  readonly recoverVoucher: RecoverVoucher;
  readonly input: (input: Input) => void;
  readonly refreshView: () => void;
  readonly log: Log;
  readonly count: Count;
};

/** Carries out petitions in the background; `settled` resolves when none is under way. */
export type Petitioner = {
  carryOut(petition: Petition, view: View): void;
  settled(): Promise<void>;
};

export function createPetitioner(options: PetitionerOptions): Petitioner {
  const underWay = new Set<Promise<void>>();
  return {
    carryOut(petition, view) {
      const work = perform(options, petition, view).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}

async function perform(options: PetitionerOptions, petition: Petition, view: View): Promise<void> {
  const { log, count, refreshView } = options;
  const about = { petition: petition.kind, term: petition.term };
  try {
    const sent = await send(options, petition, view);
    if (!sent) return;
    count("petitions_total", { kind: petition.kind, outcome: "mined" });
    log.info(about, "the chain took the petition");
    refreshView();
  } catch (error) {
    const fault = error instanceof ClusterError ? error.fault : { reason: String(error) };
    const outcome = isOvertaken(fault) ? "overtaken" : "failed";
    count("petitions_total", { kind: petition.kind, outcome });
    if (outcome === "overtaken") log.info({ ...about, fault }, "someone else's petition was first");
    else log.warn({ ...about, fault }, "the petition failed; it is made again while it is needed");
    refreshView();
  }
}

/** A term that has ended cannot be ended again, and a newer anchor makes another one needless. */
const overtakenBy: ReadonlySet<string> = new Set(["StaleTerm", "AnchorNotNewer"]);

function isOvertaken(fault: object): boolean {
  if (!("error" in fault) || typeof fault.error !== "string") return false;
  return overtakenBy.has(fault.error.split("(", 1)[0] ?? "");
}

/** True when a transaction was mined. */
async function send(
  { chain, signVote, recoverVoucher, input }: PetitionerOptions,
  petition: Petition,
  view: View,
): Promise<boolean> {
  const { term } = petition;
  switch (petition.kind) {
    case "sign-vote": {
      const { successor, deadline } = petition;
      const signature = await signVote({ term, successorSlot: slotOf(view, successor), deadline });
      const vote = { kind: "no-confidence", term, successor, deadline, signature } as const;
      input({ kind: "vote-signed", vote });
      return false;
    }
    case "submit-no-confidence": {
      const { successor, deadline } = petition;
      const signatures = bySlot(view, petition.signatures);
      const statement = { term, successorSlot: slotOf(view, successor), deadline };
      await chain.submitNoConfidence({ ...statement, signatures });
      return true;
    }
    case "cast-vote": {
      const { successor, noConfidence } = petition;
      await chain.castVote({ term, successorSlot: slotOf(view, successor), noConfidence });
      return true;
    }
    case "hand-over":
      await chain.handOver({ term, successorSlot: slotOf(view, petition.successor) });
      return true;
    case "cold-start":
      await chain.coldStart({ term, bootKeys: petition.bootKeys });
      return true;
    case "admit":
      await chain.admit({ term, slot: pendingSlotOf(view, petition.member) });
      return true;
    case "remove":
      await chain.remove({ term, slot: slotOf(view, petition.member) });
      return true;
    case "anchor":
      await chain.anchor(await certificateOf(petition, view, recoverVoucher));
      return true;
    case "report-equivocation":
      await chain.reportEquivocation(await evidenceOf(petition, recoverVoucher));
      return true;
    default:
      return petition satisfies never;
  }
}

/** Only what the contract will count: one wrong signature would make it refuse all the others. */
async function certificateOf(
  { checkpoint, signatures }: AnchorCertificate,
  view: View,
  recoverVoucher: RecoverVoucher,
): Promise<CheckpointCertificate> {
  const checked = await Promise.all(
    signatures.map(async ({ member, signature }) => {
      const isTheirs = (await recoverVoucher(checkpoint, signature)) === member;
      const mayCount = memberOf(view.roster, member) !== undefined;
      return { member, signature, counts: isTheirs && mayCount && !view.revoked.includes(member) };
    }),
  );
  const counted = checked.filter(({ counts }) => counts);
  if (!isQuorumOfEach([view.roster], new Set(counted.map(({ member }) => member)))) {
    const others = checked.filter(({ counts }) => !counts).map(({ member }) => member);
    const without = others.length === 0 ? "" : `, the signatures for ${others.join(", ")} left out`;
    throw new Error(`the certificate of index ${checkpoint.index} lacks a quorum${without}`);
  }
  return { checkpoint, signatures: bySlot(view, counted) };
}

async function evidenceOf(
  { member, vouchers }: ReportEquivocation,
  recoverVoucher: RecoverVoucher,
): Promise<readonly [SignedCheckpoint, SignedCheckpoint]> {
  for (const { checkpoint, signature } of vouchers) {
    const signer = await recoverVoucher(checkpoint, signature);
    if (signer !== member) {
      const what = `the evidence of index ${checkpoint.index} against ${member}`;
      throw new Error(`${what} is signed by ${signer ?? "nobody"}`);
    }
  }
  return vouchers;
}

function bySlot(
  view: View,
  signatures: readonly { readonly member: MemberId; readonly signature: string }[],
): readonly { readonly slot: number; readonly signature: string }[] {
  return signatures.map(({ member, signature }) => ({ slot: slotOf(view, member), signature }));
}

function slotOf({ term, roster }: View, member: MemberId): number {
  const seat = memberOf(roster, member);
  if (seat === undefined) throw new Error(`member ${member} is not on the roster of term ${term}`);
  return seat.slot;
}

function pendingSlotOf({ term, pending }: View, member: MemberId): number {
  const seat = pending.find(({ id }) => id === member);
  if (seat === undefined) throw new Error(`member ${member} is not pending in term ${term}`);
  return seat.slot;
}
