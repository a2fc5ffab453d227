/**
 * Every metric of a node: name, meaning, labels. A name that is not here does not compile.
 *
 * The metrics endpoint puts `dstack_cluster_` before each name.
 */

type Row = { readonly help: string; readonly labels?: readonly string[] };

export const counters = {
  http_requests_total: { help: "HTTP requests answered.", labels: ["path", "status"] },
  http_connections_dropped_total: {
    help: "HTTP connections refused or cut without an answer.",
    labels: ["reason"],
  },
  peer_rejected_total: { help: "Peer messages that cannot be honest.", labels: ["reason"] },
  peer_dropped_total: { help: "Peer messages not sent.", labels: ["reason"] },
  attestation_refused_total: { help: "Boots not accepted, by what was wrong.", labels: ["check"] },
  petitions_total: { help: "What the core asked of the chain.", labels: ["kind", "outcome"] },
  chain_transactions_total: { help: "Transactions sent.", labels: ["call", "outcome"] },
  chain_disagreements_total: { help: "RPC endpoints outvoted by others.", labels: ["endpoint"] },
  journal_damaged_total: { help: "Damage found in the journal." },
} as const satisfies Record<string, Row>;

export const gauges = {
  term: { help: "The contract's term, as last read." },
  leading: { help: "1 while this node leads and is active." },
  healthy: { help: "1 while /health answers 200." },
  members: { help: "Members on the roster." },
  attested_members: { help: "Of these, whose attestation holds by this node's judgement." },
  last_index: { help: "The last log entry here, committed or not." },
  commit_index: { help: "The last log entry known to be committed." },
  applied_index: { help: "The last log entry applied here." },
  chain_age_seconds: { help: "Since the contract was last read." },
  uptime_seconds: { help: "Since this process started." },
  process_resident_memory_bytes: { help: "Memory that this process holds." },
  process_heap_used_bytes: { help: "JavaScript objects." },
  process_cpu_seconds: { help: "CPU time since the start, user and system." },
  event_loop_delay_seconds: {
    help: "How much later than planned the event loop came round: 99th percentile since the last scrape.",
  },
  calls_waiting: { help: "Calls that wait here for the log, those of other members as well." },
  writes_under_way: { help: "Clients' writes that this node has taken on." },
  writes_allowed: { help: "As many may be under way at once; others are refused." },
  reads_under_way: { help: "Clients' linearizable reads that this node has taken on." },
  reads_allowed: { help: "As many may be under way at once; others are refused." },
  event_loop_busy_ratio: { help: "Share of the time since the last scrape that was not idle." },
} as const satisfies Record<string, Row>;

export const histograms = {
  increment_seconds: { help: "Increments that were committed: from the request to the answer." },
} as const satisfies Record<string, Row>;

export type CounterName = keyof typeof counters;
export type GaugeName = keyof typeof gauges;
export type HistogramName = keyof typeof histograms;

type LabelOf<Name extends CounterName> = (typeof counters)[Name] extends {
  readonly labels: readonly (infer Label extends string)[];
}
  ? Label
  : never;
export type LabelsOf<Name extends CounterName> = Readonly<Record<LabelOf<Name>, string>>;
