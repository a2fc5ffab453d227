/** What the metrics say of the node's part in the cluster, and of the calls that it has taken on. */
import { attestedCount } from "../runtime/memberReport.ts";
import { healthOf, statusOf } from "../runtime/report.ts";
import type { NodeStatus } from "../runtime/service.ts";
import type { Station } from "../runtime/station.ts";
import type { Metrics } from "./metrics.ts";

/** Of one kind of calls: how many are under way, and how many may be. */
type Room = { underWay(): number; allowed(): number };
export type Calls = { readonly writes: Room; readonly reads: Room };

export function watchNode({ gauge }: Metrics, station: Station, { writes, reads }: Calls): void {
  const status = (): NodeStatus => statusOf(station, performance.now());
  gauge("term", () => status().term);
  gauge("leading", () => (status().role === "leader" ? 1 : 0));
  gauge("healthy", () => (healthOf(station, performance.now()).ok ? 1 : 0));
  gauge("members", () => status().members);
  gauge("attested_members", () => attestedCount(station, performance.now()));
  gauge("last_index", () => status().lastIndex);
  gauge("commit_index", () => status().commitIndex);
  gauge("applied_index", () => status().appliedIndex);
  gauge("chain_age_seconds", () => (station.chain === null ? null : status().chain.ageMs / 1_000));
  gauge("uptime_seconds", () => status().uptimeMs / 1_000);
  gauge("calls_waiting", () => station.member?.calls.waiting() ?? 0);
  gauge("writes_under_way", writes.underWay);
  gauge("writes_allowed", writes.allowed);
  gauge("reads_under_way", reads.underWay);
  gauge("reads_allowed", reads.allowed);
}
