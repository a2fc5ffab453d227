/**
 * A node's configuration: environment variables, read once.
 *
 * Every problem is found at once and named by its variable, with what was wrong and what was
 * expected. Values of URLs are never repeated: they may carry credentials. A variable that is set
 * to nothing counts as unset.
 */
import { z } from "zod";
import {
  oneOf,
  readAddress,
  readAgent,
  readHost,
  readHostAndPort,
  readOrigin,
  readTokenId,
  readUrl,
  readUrls,
  text,
  url,
  wholeNumber,
} from "./values.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export type Config = {
  readonly rpcUrls: readonly string[];
  /** How many of them must agree on a change of term or roster. */
  readonly rpcQuorum: number;
  /** `0x` and 40 lower-case hex digits. */
  readonly contractAddress: string;
  /** A socket's path or an http URL; undefined: where dstack puts its socket. */
  readonly dstackEndpoint: string | undefined;
  /** How clients reach this node: an http origin. */
  readonly endpoint: string;
  /** How members reach it: `host:port`. */
  readonly peerEndpoint: string;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly peerHost: string;
  readonly peerPort: number;
  readonly dataDir: string;
  /** A file; undefined: Intel's root. */
  readonly attestationRoot: string | undefined;
  /** Where collateral comes from. */
  readonly pccsUrl: string;
  readonly tcbStatusesAllowed: readonly TcbStatus[];
  /** A file that lists the measurements of accepted OS images; undefined: any that dstack's KMS gave keys to. */
  readonly osMeasurements: string | undefined;
  /** How often the attestation of every member is judged again. */
  readonly reattestEveryMs: number;
  /** How long past its own end collateral is used while the PCCS is away. */
  readonly collateralGraceMs: number;
  /** null: the wallet's own. */
  readonly tokenId: bigint | null;
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly voteFallbackMs: number;
  /** How long a client's call may take before it is told that its fate is unknown. */
  readonly callMsMax: number;
  readonly confirmations: number;
  readonly checkpointEvery: number;
  readonly checkpointMs: number;
  /** How often the newest certificate is put on-chain; null: never. */
  readonly anchorEveryMs: number | null;
  /** How long a member is silent before it is removed; null: it stays. */
  readonly removeAfterMs: number | null;
  readonly snapshotEvery: number;
  readonly coldStart: "all" | "majority";
  /** null: writes go on however old the view of the chain is. */
  readonly maxChainLagMs: number | null;
  readonly chainPollMs: number;
  readonly quoteAgeMsMax: number;
  readonly durability: "fsync" | "none";
  readonly logLevel: LogLevel;
};

export type ConfigRead =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Intel's names for the state of a platform's security updates; "Revoked" is never allowed. */
export const tcbStatuses = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
] as const;
export type TcbStatus = (typeof tcbStatuses)[number];

const thirtyDaysMs = 2_592_000_000;

const schema = z.object({
  RPC_URLS: url("one or more different http URLs, separated by commas", readUrls),
  RPC_QUORUM: wholeNumber(1, 100).optional(),
  CONTRACT_ADDRESS: text("an address, 0x and 40 hex digits", readAddress),
  DSTACK_SIMULATOR_ENDPOINT: url("a socket's path or an http URL", readAgent).optional(),
  ENDPOINT: url("an http URL without a path, such as http://10.0.0.1:8080", readOrigin),
  PEER_ENDPOINT: text("host:port, such as 10.0.0.1:9090", readHostAndPort),
  HTTP_HOST: text("a host name or an address to listen on", readHost).default("0.0.0.0"),
  HTTP_PORT: wholeNumber(1, 65_535).default(8_080),
  PEER_HOST: text("a host name or an address to listen on", readHost).default("0.0.0.0"),
  PEER_PORT: wholeNumber(1, 65_535).default(9_090),
  DATA_DIR: text("a directory's path", (value) => value).default("data"),
  ATTESTATION_ROOT: text("a file's path", (value) => value).optional(),
  PCCS_URL: url("an http URL", readUrl).default("https://pccs.phala.network"),
  TCB_POLICY: text(`some of ${tcbStatuses.join(", ")}, separated by commas`, readTcbPolicy).default(
    ["UpToDate", "SWHardeningNeeded"],
  ),
  OS_MEASUREMENTS: text("a file's path", (value) => value).optional(),
  REATTEST_EVERY_MS: wholeNumber(1_000, 86_400_000).default(300_000),
  COLLATERAL_GRACE_MS: wholeNumber(0, thirtyDaysMs).default(259_200_000),
  TOKEN_ID: text("a token's id, a whole number", readTokenId).optional(),
  HEARTBEAT_MS: wholeNumber(10, 60_000).default(100),
  SUSPECT_AFTER_MS: wholeNumber(30, 600_000).default(1_000),
  VOTE_FALLBACK_MS: wholeNumber(100, 600_000).default(2_000),
  CALL_MS_MAX: wholeNumber(100, 600_000).default(5_000),
  CONFIRMATIONS: wholeNumber(1, 1_000).default(1),
  CHECKPOINT_EVERY: wholeNumber(1, 1_000_000).default(1_000),
  CHECKPOINT_MS: wholeNumber(100, 3_600_000).default(5_000),
  ANCHOR_EVERY_MS: wholeNumber(1_000, thirtyDaysMs).optional(),
  REMOVE_AFTER_MS: wholeNumber(10_000, thirtyDaysMs).optional(),
  SNAPSHOT_EVERY: wholeNumber(100, 10_000_000).default(20_000),
  COLD_START: oneOf(["all", "majority"]).default("all"),
  MAX_CHAIN_LAG_MS: wholeNumber(1_000, 86_400_000).optional(),
  CHAIN_POLL_MS: wholeNumber(50, 60_000).default(500),
  QUOTE_AGE_MS_MAX: wholeNumber(10_000, 86_400_000).default(600_000),
  DURABILITY: oneOf(["fsync", "none"]).default("fsync"),
  LOG_LEVEL: oneOf(["debug", "info", "warn", "error", "silent"]).default("info"),
});

type Environment = Readonly<Record<string, string | undefined>>;
type Variables = z.output<typeof schema>;

/** Reads the whole environment; what has nothing to do with a node is passed over. */
export function readConfig(environment: Environment): ConfigRead {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const read = schema.safeParse(set);
  const problems = [
    ...(read.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`),
    ...disagreements(set),
    ...unknownVariables(set),
  ];
  if (!read.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: configOf(read.data) };
}

function configOf(variables: Variables): Config {
  return {
    rpcUrls: variables.RPC_URLS,
    rpcQuorum: variables.RPC_QUORUM ?? majority(variables.RPC_URLS.length),
    contractAddress: variables.CONTRACT_ADDRESS,
    dstackEndpoint: variables.DSTACK_SIMULATOR_ENDPOINT,
    endpoint: variables.ENDPOINT,
    peerEndpoint: variables.PEER_ENDPOINT,
    httpHost: variables.HTTP_HOST,
    httpPort: variables.HTTP_PORT,
    peerHost: variables.PEER_HOST,
    peerPort: variables.PEER_PORT,
    dataDir: variables.DATA_DIR,
    attestationRoot: variables.ATTESTATION_ROOT,
    pccsUrl: variables.PCCS_URL,
    tcbStatusesAllowed: variables.TCB_POLICY,
    osMeasurements: variables.OS_MEASUREMENTS,
    reattestEveryMs: variables.REATTEST_EVERY_MS,
    collateralGraceMs: variables.COLLATERAL_GRACE_MS,
    tokenId: variables.TOKEN_ID ?? null,
    heartbeatMs: variables.HEARTBEAT_MS,
    suspectAfterMs: variables.SUSPECT_AFTER_MS,
    voteFallbackMs: variables.VOTE_FALLBACK_MS,
    callMsMax: variables.CALL_MS_MAX,
    confirmations: variables.CONFIRMATIONS,
    checkpointEvery: variables.CHECKPOINT_EVERY,
    checkpointMs: variables.CHECKPOINT_MS,
    anchorEveryMs: variables.ANCHOR_EVERY_MS ?? null,
    removeAfterMs: variables.REMOVE_AFTER_MS ?? null,
    snapshotEvery: variables.SNAPSHOT_EVERY,
    coldStart: variables.COLD_START,
    maxChainLagMs: variables.MAX_CHAIN_LAG_MS ?? null,
    chainPollMs: variables.CHAIN_POLL_MS,
    quoteAgeMsMax: variables.QUOTE_AGE_MS_MAX,
    durability: variables.DURABILITY,
    logLevel: variables.LOG_LEVEL,
  };
}

/** Variables that are fine each but not together. Looks only at pairs that could be read. */
function disagreements(set: Environment): string[] {
  const problems: string[] = [];
  const beats = schema.pick({ HEARTBEAT_MS: true, SUSPECT_AFTER_MS: true }).safeParse(set).data;
  if (beats !== undefined && beats.SUSPECT_AFTER_MS < 3 * beats.HEARTBEAT_MS) {
    const least = `at least three times HEARTBEAT_MS, ${3 * beats.HEARTBEAT_MS}`;
    problems.push(`SUSPECT_AFTER_MS: expected ${least}, got ${beats.SUSPECT_AFTER_MS}`);
  }
  const rpc = schema.pick({ RPC_URLS: true, RPC_QUORUM: true }).safeParse(set).data;
  if (rpc?.RPC_QUORUM !== undefined && rpc.RPC_QUORUM > rpc.RPC_URLS.length) {
    const most = `at most the number of RPC_URLS, ${rpc.RPC_URLS.length}`;
    problems.push(`RPC_QUORUM: expected ${most}, got ${rpc.RPC_QUORUM}`);
  }
  return problems;
}

/** Whoever sets one of these means this program. */
const ownPrefixes =
  /^(?:ANCHOR|ATTESTATION|COLLATERAL|CHECKPOINT|HEARTBEAT|PCCS|QUOTE|REATTEST|REMOVE|SNAPSHOT|SUSPECT|TCB|VOTE)_/;
const typingErrorsMax = 2;

/** A mistyped name would otherwise leave a default in force that nobody meant. */
function unknownVariables(set: Environment): string[] {
  const known = Object.keys(schema.shape);
  const problems: string[] = [];
  for (const name of Object.keys(set)) {
    if (known.includes(name)) continue;
    // No name of ours is half as long, and the distance costs the product of both lengths.
    const upper = name.slice(0, 64).toUpperCase();
    const nearest = known
      .map((candidate) => ({ candidate, distance: editDistance(upper, candidate) }))
      .reduce((best, other) => (other.distance < best.distance ? other : best));
    if (nearest.distance > typingErrorsMax && !ownPrefixes.test(upper)) continue;
    problems.push(`${name}: unknown variable; did you mean ${nearest.candidate}?`);
  }
  return problems;
}

/** Levenshtein: the fewest insertions, deletions and replacements from one text to the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      const shorter = Math.min(row[column] ?? 0, next[column - 1] ?? 0) + 1;
      next.push(Math.min(replaced, shorter));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function readTcbPolicy(value: string): TcbStatus[] | undefined {
  const found = value.split(",").map((one) => tcbStatuses.find((known) => known === one.trim()));
  const statuses = found.filter((status) => status !== undefined);
  return statuses.length === found.length ? statuses : undefined;
}

function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}
