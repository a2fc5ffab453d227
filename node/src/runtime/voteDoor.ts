/** A vote of no confidence is believed only with its member's own signature: checked here. */
import type { Boot } from "../consensus/ids.ts";
import type { Message, NoConfidence } from "../consensus/message.ts";
import { memberOf } from "../consensus/roster.ts";
import type { View } from "../consensus/view.ts";
import type { Count, RecoverVoter } from "./ports.ts";

export type VoteDoorOptions = {
  readonly recoverVoter: RecoverVoter;
  readonly view: () => View | null;
  readonly refreshView: () => void;
  readonly deliver: (from: Boot, message: Message) => void;
  readonly count: Count;
};

/** Votes of a term that this node has not seen yet are dropped: they are told again. */
export function createVoteDoor({
  recoverVoter,
  view,
  refreshView,
  deliver,
  count,
}: VoteDoorOptions) {
  return async (from: Boot, vote: NoConfidence): Promise<void> => {
    const known = view();
    const seat = known === null ? undefined : memberOf(known.roster, vote.successor);
    if (known === null || seat === undefined || known.term < vote.term) {
      refreshView();
      return;
    }
    const { term, deadline, signature } = vote;
    const statement = { term, deadline, successorSlot: seat.slot };
    const signer = await recoverVoter(statement, signature);
    if (signer === from.member) deliver(from, vote);
    else count("peer_rejected_total", { reason: "vote-signature" });
  };
}
