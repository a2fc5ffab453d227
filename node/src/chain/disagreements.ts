/** Says which endpoint is of no use beside the others: once, and once more when that is over. */
import type { Count, Log } from "../runtime/ports.ts";
import type { Settled } from "./agree.ts";
import type { Snapshot } from "./snapshot.ts";

/** The result is told how every read ended. */
export function disagreements(log: Log, count: Count): (settled: Settled<Snapshot>) => void {
  /** What was wrong with each endpoint when it was last looked at. */
  const wrong = new Map<string, string>();

  return ({ given, failed, agreed }) => {
    for (const { endpoint, answer, key } of given) {
      const { name } = endpoint;
      if (key === agreed?.key) {
        if (wrong.delete(name)) log.info({ endpoint: name }, "the endpoint agrees again");
        continue;
      }
      if (wrong.get(name) === key) continue;
      wrong.set(name, key);
      count("chain_disagreements_total", { endpoint: name });
      const others = agreed === null ? null : summaryOf(agreed.answer);
      const fields = { endpoint: name, says: summaryOf(answer), agreed: others };
      log.warn(fields, "the endpoint disagrees about the cluster: it lags, or it lies");
    }
    // Short of a quorum the read itself fails, and names them all.
    if (agreed === null) return;
    for (const { endpoint, reason } of failed) {
      if (wrong.get(endpoint.name) === reason) continue;
      wrong.set(endpoint.name, reason);
      log.warn({ endpoint: endpoint.name, reason }, "the endpoint does not answer; others do");
    }
  };
}

function summaryOf({ shown }: Snapshot): object {
  const { view, block } = shown;
  const { term, leader, coldTerm, roster } = view;
  return { block: block.number.toString(), term, leader, coldTerm, rosterHash: roster.hash };
}
