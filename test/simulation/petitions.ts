/** What replicas ask of the chain: signed after a moment, sent after another, mined or not. */
import type { MemberId } from "../../node/src/consensus/ids.ts";
import { memberOf } from "../../node/src/consensus/roster.ts";
import type { Transaction } from "./chain.ts";
import { fastDigest } from "./digest.ts";
import { castVote, coldStart, handOver, signVote, submitNoConfidence } from "./ledger.ts";
import type { Petition, Process } from "./process.ts";
import type { World } from "./world.ts";

export function petition(world: World, process: Process, wanted: Petition): void {
  const { queue, random, scenario } = world;
  const delayMs = scenario.heartbeatMs * 0.3 * random.float();
  if (wanted.kind === "sign-vote") {
    const { term, successor, deadline } = wanted;
    const signature = signVote(process.boot.member, wanted);
    const vote = { kind: "no-confidence", term, successor, deadline, signature } as const;
    queue.after(delayMs, () => process.input({ kind: "vote-signed", vote }));
    return;
  }
  const transaction = transactionFor(world, process, wanted);
  queue.after(delayMs, () => world.chain.send(process.slot, transaction));
}

function transactionFor(
  world: World,
  process: Process,
  wanted: Exclude<Petition, { kind: "sign-vote" }>,
): Transaction {
  const sender = process.boot.member;
  const { term } = wanted;
  const by = `by ${process.name} in term ${term}`;
  switch (wanted.kind) {
    case "submit-no-confidence": {
      const name = `no confidence for ${nameOf(world, wanted.successor)} ${by}`;
      return { name, call: submitNoConfidence(wanted) };
    }
    case "cast-vote": {
      const { successor, noConfidence } = wanted;
      const what = noConfidence ? "vote" : "withdrawn vote";
      const name = `${what} for ${nameOf(world, successor)} ${by}`;
      return { name, call: castVote({ voter: sender, term, successor, noConfidence }) };
    }
    case "hand-over": {
      const { successor } = wanted;
      const name = `hand-over to ${nameOf(world, successor)} ${by}`;
      return { name, call: handOver({ sender, term, successor }) };
    }
    case "cold-start": {
      const { bootKeys } = wanted;
      const name = `cold start of ${bootKeys.map(world.nameOf).join(" ")} ${by}`;
      return { name, call: coldStart({ sender, term, bootKeys }, fastDigest) };
    }
    default:
      return wanted satisfies never;
  }
}

function nameOf({ chain }: World, member: MemberId): string {
  const slot = memberOf(chain.head().roster, member)?.slot;
  return slot === undefined ? member : ("ABCDEFGHIJ"[slot] ?? member);
}
