/**
 * What the core asks of the chain: votes, certificates, hand-overs, cold starts.
 *
 * Each may lose a race (someone else's transaction started the next term first); that is no fault.
 * The core asks again when it still needs to, so nothing is retried here.
 */
import type { Effect } from "../consensus/effect.ts";
import type { MemberId } from "../consensus/ids.ts";
import type { Input } from "../consensus/input.ts";
import { memberOf } from "../consensus/roster.ts";
import type { View } from "../consensus/view.ts";
import { ClusterError } from "../errors.ts";
import type { Chain, Count, Log, SignVote } from "./ports.ts";

export type Petition = Extract<
  Effect,
  { kind: "sign-vote" | "submit-no-confidence" | "cast-vote" | "hand-over" | "cold-start" }
>;

export type PetitionerOptions = {
  readonly chain: Chain;
  readonly signVote: SignVote;
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
    count("petitions_total", { kind: petition.kind, outcome: "failed" });
    log.warn({ ...about, fault }, "the petition failed; it is made again while it is needed");
    refreshView();
  }
}

/** True when a transaction was mined. */
async function send(
  { chain, signVote, input }: PetitionerOptions,
  petition: Petition,
  view: View,
): Promise<boolean> {
  const { term } = petition;
  if (petition.kind === "cold-start") {
    await chain.coldStart({ term, bootKeys: petition.bootKeys });
    return true;
  }
  const successorSlot = slotOf(view, petition.successor);
  switch (petition.kind) {
    case "sign-vote": {
      const { successor, deadline } = petition;
      const signature = await signVote({ term, successorSlot, deadline });
      const vote = { kind: "no-confidence", term, successor, deadline, signature } as const;
      input({ kind: "vote-signed", vote });
      return false;
    }
    case "submit-no-confidence": {
      const signatures = petition.signatures.map(({ member, signature }) => ({
        slot: slotOf(view, member),
        signature,
      }));
      const { deadline } = petition;
      await chain.submitNoConfidence({ term, successorSlot, deadline, signatures });
      return true;
    }
    case "cast-vote":
      await chain.castVote({ term, successorSlot, noConfidence: petition.noConfidence });
      return true;
    case "hand-over":
      await chain.handOver({ term, successorSlot });
      return true;
    default:
      return petition satisfies never;
  }
}

function slotOf(view: View, member: MemberId): number {
  const seat = memberOf(view.roster, member);
  if (seat === undefined) throw new Error(`member ${member} is not on the roster of ${view.term}`);
  return seat.slot;
}
