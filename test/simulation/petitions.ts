/** What replicas ask of their wallet and the chain: signed after a moment, sent after another. */
import type { MemberId } from "../../node/src/consensus/ids.ts";
import type { Transaction } from "./chain.ts";
import { anchor, signCheckpoint } from "./contract/checkpoints.ts";
import {
  admit,
  castVote,
  coldStart,
  handOver,
  remove,
  signVote,
  submitNoConfidence,
} from "./contract/terms.ts";
import { fastDigest } from "./digest.ts";
import { letterOf } from "./names.ts";
import type { Petition, Process } from "./process.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

export function petition(world: World, process: Process, wanted: Petition): void {
  const { queue, random, scenario, oracle, misled } = world;
  const { member, bootKey } = process.boot;
  const later = (run: () => void) => queue.after(scenario.heartbeatMs * 0.3 * random.float(), run);
  if (wanted.kind === "sign-vote") {
    const { term, successor, deadline } = wanted;
    const signature = signVote(member, wanted);
    const vote = { kind: "no-confidence", term, successor, deadline, signature } as const;
    later(() => process.input({ kind: "vote-signed", vote }));
    return;
  }
  if (wanted.kind === "sign-checkpoint") {
    const { checkpoint } = wanted;
    oracle.signing(member, checkpoint);
    const voucher = { checkpoint, signature: signCheckpoint(member, checkpoint) };
    later(() => process.input({ kind: "checkpoint-signed", voucher }));
    return;
  }
  if (wanted.kind === "report-equivocation") {
    throw new Violation("nobody equivocates", `${process.name} reports ${letterOf(wanted.member)}`);
  }
  if (wanted.kind === "anchor" && !misled.has(bootKey)) oracle.anchoring(member, wanted);
  const transaction = transactionFor(world, process, wanted);
  if (transaction !== null) later(() => world.chain.send(process.site, transaction));
}

type Sent = Exclude<Petition, { kind: "sign-vote" | "sign-checkpoint" | "report-equivocation" }>;

/** Null when this process's own view does not list the member that it is about. */
function transactionFor(world: World, process: Process, wanted: Sent): Transaction | null {
  const sender = process.boot.member;
  const { term } = wanted;
  const by = `by ${process.name} in term ${term}`;
  switch (wanted.kind) {
    case "submit-no-confidence": {
      const name = `no confidence for ${letterOf(wanted.successor)} ${by}`;
      return { name, call: submitNoConfidence(wanted) };
    }
    case "cast-vote": {
      const { successor, noConfidence } = wanted;
      const what = noConfidence ? "vote" : "withdrawn vote";
      const name = `${what} for ${letterOf(successor)} ${by}`;
      return { name, call: castVote({ voter: sender, term, successor, noConfidence }) };
    }
    case "hand-over": {
      const { successor } = wanted;
      const name = `hand-over to ${letterOf(successor)} ${by}`;
      return { name, call: handOver({ sender, term, successor }) };
    }
    case "cold-start": {
      const { bootKeys } = wanted;
      const name = `cold start of ${bootKeys.map(world.nameOf).join(" ")} ${by}`;
      return { name, call: coldStart({ sender, term, bootKeys }, fastDigest) };
    }
    case "admit":
    case "remove": {
      const slot = slotOf(process, wanted.member);
      if (slot === null) return null;
      const name = `${wanted.kind} ${letterOf(wanted.member)} ${by}`;
      const call = wanted.kind === "admit" ? admit : remove;
      return { name, call: call({ sender, term, slot }, fastDigest) };
    }
    case "anchor":
      return { name: `anchor at ${wanted.checkpoint.index} ${by}`, call: anchor(wanted) };
    default:
      return wanted satisfies never;
  }
}

function slotOf({ replica }: Process, member: MemberId): number | null {
  const { view } = replica();
  const known = [...(view?.roster.members ?? []), ...(view?.pending ?? [])];
  return known.find(({ id }) => id === member)?.slot ?? null;
}
