/** Says which endpoint disagrees with the others: once, and once more when that is over. */
import type { Count, Log } from "../runtime/ports.ts";
import type { Given } from "./agree.ts";
import type { Snapshot } from "./snapshot.ts";

/** The result is told of every read: what each endpoint gave, and what counts (null: nothing). */
export function disagreements(
  log: Log,
  count: Count,
): (given: readonly Given<Snapshot>[], agreed: Snapshot | null) => void {
  /** What each endpoint said when it was last seen to differ. */
  const differing = new Map<string, string>();

  return (given, agreed) => {
    for (const { endpoint, answer, key } of given) {
      const { name } = endpoint;
      if (agreed !== null && key === agreed.text) {
        if (differing.delete(name)) log.info({ endpoint: name }, "the endpoint agrees again");
        continue;
      }
      if (differing.get(name) === key) continue;
      differing.set(name, key);
      count("chain_disagreements_total", { endpoint: name });
      const fields = { endpoint: name, says: summaryOf(answer), agreed: summaryOf(agreed) };
      log.warn(fields, "the endpoint disagrees about the cluster: it lags, or it lies");
    }
  };
}

function summaryOf(snapshot: Snapshot | null): object | null {
  if (snapshot === null) return null;
  const { view, block } = snapshot.chainView;
  const { term, leader, coldTerm, roster } = view;
  return { block: block.number.toString(), term, leader, coldTerm, rosterHash: roster.hash };
}
