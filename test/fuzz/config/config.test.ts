/** Any environment gives a configuration within its ranges, or says which variable is to blame. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Config, type ConfigRead, readConfig } from "../../../node/src/config/config.ts";
import { runs } from "../support/runs.ts";

const secret = "hunter2";
const least = {
  RPC_URLS: `http://user:${secret}@127.0.0.1:8545/${secret}`,
  CONTRACT_ADDRESS: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  ENDPOINT: "http://127.0.0.1:8081",
  PEER_ENDPOINT: "127.0.0.1:8181",
};

/** As the README gives them. */
const ranges = {
  RPC_QUORUM: ["rpcQuorum", 1, 100],
  HTTP_PORT: ["httpPort", 1, 65_535],
  PEER_PORT: ["peerPort", 1, 65_535],
  REATTEST_EVERY_MS: ["reattestEveryMs", 1_000, 86_400_000],
  COLLATERAL_GRACE_MS: ["collateralGraceMs", 0, 2_592_000_000],
  HEARTBEAT_MS: ["heartbeatMs", 10, 60_000],
  SUSPECT_AFTER_MS: ["suspectAfterMs", 30, 600_000],
  VOTE_FALLBACK_MS: ["voteFallbackMs", 100, 600_000],
  CALL_MS_MAX: ["callMsMax", 100, 600_000],
  CONFIRMATIONS: ["confirmations", 1, 1_000],
  CHECKPOINT_EVERY: ["checkpointEvery", 1, 1_000_000],
  CHECKPOINT_MS: ["checkpointMs", 100, 3_600_000],
  ANCHOR_EVERY_MS: ["anchorEveryMs", 1_000, 2_592_000_000],
  REMOVE_AFTER_MS: ["removeAfterMs", 10_000, 2_592_000_000],
  SNAPSHOT_EVERY: ["snapshotEvery", 100, 10_000_000],
  MAX_CHAIN_LAG_MS: ["maxChainLagMs", 1_000, 86_400_000],
  CHAIN_POLL_MS: ["chainPollMs", 50, 60_000],
  QUOTE_AGE_MS_MAX: ["quoteAgeMsMax", 10_000, 86_400_000],
} as const satisfies Record<string, readonly [keyof Config, number, number]>;

const oddTexts = fc.oneof(
  fc.constantFrom(
    ...["", " ", "0", "-1", "+5", "1.5", "1e3", "0x10", "١", "9".repeat(30), "NaN", "null", "true"],
    ...["http://", "http:x", "//a", "ftp://a/", "http://a:99999", "http://a b", "https://[::1"],
    ...["0x", `0x${"0".repeat(40)}`, `0X${"0".repeat(40)}`, "a:0", "a:65536", "[::1]:80", ":80"],
    ...["UpToDate,Revoked", "UpToDate,,", "all ", "ALL", "\u0000", "\ud800", "__proto__", "{}"],
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ minLength: 1_000, maxLength: 3_000 }),
);
const inRange = ([, min, max]: readonly [string, number, number]) =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map(String);
const nearRange = ([, min, max]: readonly [string, number, number]) =>
  fc.constantFrom(min - 1, max + 1, -max, min + 0.5, max * 1_000).map(String);

const withSecret = fc.constantFrom(
  ...[
    `http://u:${secret}@h`,
    `https://h/${secret}`,
    `http://u:${secret}@h:99999`,
    `ftp://${secret}`,
  ],
  ...[`http://a,http://a?${secret}`, `http://h/${secret},`, `${secret}`, `http://${secret}@ h/`],
);
const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  RPC_URLS: withSecret,
  PCCS_URL: withSecret,
  ENDPOINT: withSecret,
  DSTACK_SIMULATOR_ENDPOINT: fc.oneof(withSecret, fc.constant("/run/a.sock")),
  CONTRACT_ADDRESS: fc.constant(`0x${"aB".repeat(20)}`),
  PEER_ENDPOINT: fc.constantFrom("a:1", "[::1]:65535", "node-1.example:9090"),
  HTTP_HOST: fc.constantFrom("::", "localhost"),
  TCB_POLICY: fc.constantFrom("UpToDate", "UpToDate, OutOfDate"),
  TOKEN_ID: fc.bigInt({ min: 0n, max: 2n ** 256n + 5n }).map(String),
  COLD_START: fc.constantFrom("all", "majority"),
  DURABILITY: fc.constantFrom("fsync", "none"),
  LOG_LEVEL: fc.constantFrom("debug", "silent"),
};

const numeric = Object.entries(ranges);
const variables = fc.oneof(
  ...numeric.map(([name, range]) =>
    fc.tuple(fc.constant(name), fc.oneof(inRange(range), nearRange(range), oddTexts)),
  ),
  ...Object.entries(texts).map(([name, value]) =>
    fc.tuple(fc.constant(name), isUrl(name) ? value : fc.oneof(value, oddTexts)),
  ),
  // Mistyped, foreign and hostile names.
  fc.tuple(
    fc.oneof(
      fc.constantFrom("RPC_URL", "HEARTBEAT", "heartbeat_ms", "SNAPSHOT_EVER", "__proto__", "PATH"),
      fc.constantFrom("constructor", "CHECKPOINT_", "QUOTE_X", ""),
      fc.string({ maxLength: 20 }),
      fc.string({ minLength: 5_000, maxLength: 20_000 }),
    ),
    oddTexts,
  ),
);
const environments = fc
  .tuple(fc.constantFrom({}, least), fc.array(variables, { maxLength: 8 }))
  .map(([base, given]) => Object.fromEntries([...Object.entries(base), ...given]));

function isUrl(name: string): boolean {
  return ["RPC_URLS", "PCCS_URL", "ENDPOINT", "DSTACK_SIMULATOR_ENDPOINT"].includes(name);
}

test("any environment is read, or refused by the names of its variables", () => {
  fc.assert(
    fc.property(environments, (environment) => {
      const read = readConfig(environment);
      if (read.ok) expectInRange(read.config);
      else expectNamed(read, environment);
    }),
    runs(1_000),
  );
});

test("one variable out of its range is named, and it alone", () => {
  const wrong = fc.oneof(
    ...numeric.map(([name, range]) => fc.tuple(fc.constant(name), nearRange(range))),
  );
  fc.assert(
    fc.property(wrong, ([name, value]) => {
      const read = readConfig({ ...least, [name]: value });
      expect(read).toMatchObject({ ok: false, problems: [expect.stringContaining(`${name}: `)] });
    }),
    runs(500),
  );
});

function expectInRange(config: Config): void {
  for (const [name, [key, min, max]] of numeric) {
    const value = config[key];
    if (value === null) continue;
    expect(Number.isInteger(value) && value >= min && value <= max, `${name}: ${value}`).toBe(true);
  }
  expect(config.rpcQuorum).toBeLessThanOrEqual(config.rpcUrls.length);
  expect(config.suspectAfterMs).toBeGreaterThanOrEqual(3 * config.heartbeatMs);
  expect(config.contractAddress).toMatch(/^0x[0-9a-f]{40}$/);
  expect(new URL(config.endpoint).origin).toBe(config.endpoint);
  for (const url of [...config.rpcUrls, config.pccsUrl]) expect(() => new URL(url)).not.toThrow();
  if (config.tokenId !== null) expect(config.tokenId < 2n ** 256n).toBe(true);
}

function expectNamed(
  { problems }: Extract<ConfigRead, { ok: false }>,
  environment: Readonly<Record<string, string>>,
): void {
  expect(problems.length).toBeGreaterThan(0);
  const names = [...Object.keys(environment), ...Object.keys(least), "SUSPECT_AFTER_MS"];
  for (const problem of problems) {
    expect(
      names.some((name) => problem.startsWith(`${name}: `)),
      problem,
    ).toBe(true);
    expect(problem).not.toContain(secret);
  }
}
