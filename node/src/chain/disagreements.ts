/** Says which endpoint is of no use beside the others: once, and once more when that is over. */
import type { Count, Log } from "../runtime/ports.ts";
import type { Settled } from "./agree.ts";
import type { Snapshot } from "./snapshot.ts";

export type Disagreements = {
  /** To be told how every read ended. */
  readonly note: (settled: Settled<Snapshot>) => void;
  /** Names of the endpoints that were outvoted, or contradicted one another, in the last read. */
  readonly disagreeing: () => readonly string[];
};

export function disagreements(log: Log, count: Count): Disagreements {
  /** What was wrong with each endpoint when it was last looked at. */
  const wrong = new Map<string, string>();
  let disagreeing: readonly string[] = [];

  function note({ given, failed, agreed }: Settled<Snapshot>): void {
    const contradicted = given.filter(({ key }) => key !== agreed?.key);
    disagreeing = contradicted.map(({ endpoint }) => endpoint.name);
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
  }

  return { note, disagreeing: () => disagreeing };
}

function summaryOf({ shown }: Snapshot): object {
  const { view, block } = shown;
  const { term, leader, coldTerm, roster } = view;
  return { block: block.number.toString(), term, leader, coldTerm, rosterHash: roster.hash };
}
