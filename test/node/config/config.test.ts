import { expect, test } from "vitest";
import { readConfig } from "../../../node/src/config/config.ts";

const least = {
  RPC_URLS: "http://127.0.0.1:8545",
  CONTRACT_ADDRESS: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  ENDPOINT: "http://127.0.0.1:8081",
  PEER_ENDPOINT: "127.0.0.1:8181",
};

function configOf(environment: Record<string, string>) {
  const read = readConfig({ ...least, ...environment });
  if (!read.ok) throw new Error(read.problems.join("\n"));
  return read.config;
}
function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  const read = readConfig({ ...least, ...environment });
  return read.ok ? [] : read.problems;
}

test("what a node cannot guess is enough; the rest has the protocol's defaults", () => {
  expect(configOf({})).toEqual({
    rpcUrls: ["http://127.0.0.1:8545"],
    rpcQuorum: 1,
    contractAddress: "0x5fbdb2315678afecb367f032d93f642f64180aa3",
    dstackEndpoint: undefined,
    endpoint: "http://127.0.0.1:8081",
    peerEndpoint: "127.0.0.1:8181",
    httpHost: "0.0.0.0",
    httpPort: 8_080,
    peerHost: "0.0.0.0",
    peerPort: 9_090,
    dataDir: "data",
    attestationRoot: undefined,
    pccsUrl: "https://pccs.phala.network",
    osMeasurements: undefined,
    reattestEveryMs: 300_000,
    collateralGraceMs: 259_200_000,
    tcbStatusesAllowed: ["UpToDate", "SWHardeningNeeded"],
    tokenId: null,
    heartbeatMs: 100,
    suspectAfterMs: 1_000,
    voteFallbackMs: 2_000,
    callMsMax: 5_000,
    confirmations: 1,
    checkpointEvery: 1_000,
    checkpointMs: 5_000,
    anchorEveryMs: null,
    removeAfterMs: null,
    snapshotEvery: 20_000,
    coldStart: "all",
    maxChainLagMs: null,
    chainPollMs: 500,
    quoteAgeMsMax: 600_000,
    durability: "fsync",
    logLevel: "info",
  });
});

test("every variable has its place", () => {
  const config = configOf({
    RPC_URLS: "http://a:1, https://b/key,http://c",
    RPC_QUORUM: "3",
    DSTACK_SIMULATOR_ENDPOINT: "/var/run/dstack.sock",
    ENDPOINT: "https://node.example",
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: "8081",
    PEER_HOST: "::1",
    PEER_PORT: "9001",
    DATA_DIR: "/data",
    ATTESTATION_ROOT: "/root.pem",
    PCCS_URL: "https://pccs.example/",
    TCB_POLICY: "UpToDate, OutOfDate",
    TOKEN_ID: "7",
    CALL_MS_MAX: "900",
    CONFIRMATIONS: "12",
    CHECKPOINT_EVERY: "50",
    CHECKPOINT_MS: "200",
    ANCHOR_EVERY_MS: "60000",
    REMOVE_AFTER_MS: "2592000000",
    COLD_START: "majority",
    MAX_CHAIN_LAG_MS: "60000",
    DURABILITY: "none",
    LOG_LEVEL: "debug",
  });
  expect(config).toMatchObject({
    rpcUrls: ["http://a:1", "https://b/key", "http://c"],
    rpcQuorum: 3,
    dstackEndpoint: "/var/run/dstack.sock",
    endpoint: "https://node.example",
    httpHost: "127.0.0.1",
    httpPort: 8_081,
    peerHost: "::1",
    peerPort: 9_001,
    dataDir: "/data",
    attestationRoot: "/root.pem",
    pccsUrl: "https://pccs.example/",
    tcbStatusesAllowed: ["UpToDate", "OutOfDate"],
    tokenId: 7n,
    callMsMax: 900,
    confirmations: 12,
    checkpointEvery: 50,
    checkpointMs: 200,
    anchorEveryMs: 60_000,
    removeAfterMs: 2_592_000_000,
    coldStart: "majority",
    maxChainLagMs: 60_000,
    durability: "none",
    logLevel: "debug",
  });
});

test("unless it is said, a majority of the RPC endpoints must agree", () => {
  expect(configOf({ RPC_URLS: "http://a,http://b,http://c" }).rpcQuorum).toBe(2);
});

test("all problems come at once, each with what was wrong and what was expected", () => {
  const environment = {
    RPC_URLS: undefined,
    HTTP_PORT: "80a",
    HEARTBEAT_MS: "400",
    SUSPECT_AFTER_MS: "1000",
    HEARTBEAT_MSS: "50",
  };
  expect(problemsOf(environment)).toEqual([
    "RPC_URLS: not set; expected one or more different http URLs, separated by commas",
    'HTTP_PORT: expected a whole number from 1 to 65535, got "80a"',
    "SUSPECT_AFTER_MS: expected at least three times HEARTBEAT_MS, 1200, got 1000",
    "HEARTBEAT_MSS: unknown variable; did you mean HEARTBEAT_MS?",
  ]);
});

test.each([
  ["CONTRACT_ADDRESS", "0x123", "an address, 0x and 40 hex digits"],
  ["PEER_ENDPOINT", "http://a:1", "host:port, such as 10.0.0.1:9090"],
  ["PEER_ENDPOINT", "a:65536", "host:port, such as 10.0.0.1:9090"],
  ["HTTP_HOST", "a b", "a host name or an address to listen on"],
  ["HTTP_PORT", "0", "a whole number from 1 to 65535"],
  ["HTTP_PORT", "-1", "a whole number from 1 to 65535"],
  ["HEARTBEAT_MS", "1e2", "a whole number from 10 to 60000"],
  ["TOKEN_ID", "-7", "a token's id, a whole number"],
  ["CONFIRMATIONS", "0", "a whole number from 1 to 1000"],
  ["CHECKPOINT_EVERY", "0", "a whole number from 1 to 1000000"],
  ["CHECKPOINT_MS", "99", "a whole number from 100 to 3600000"],
  ["ANCHOR_EVERY_MS", "999", "a whole number from 1000 to 2592000000"],
  ["ANCHOR_EVERY_MS", "never", "a whole number from 1000 to 2592000000"],
  ["REMOVE_AFTER_MS", "9999", "a whole number from 10000 to 2592000000"],
  ["REMOVE_AFTER_MS", "2592000001", "a whole number from 10000 to 2592000000"],
  ["COLD_START", "some", "all or majority"],
  ["DURABILITY", "FSYNC", "fsync or none"],
  ["LOG_LEVEL", "loud", "debug or info or warn or error or silent"],
])("%s=%s is refused", (name, value, expected) => {
  expect(problemsOf({ [name]: value })).toEqual([
    `${name}: expected ${expected}, got ${JSON.stringify(value)}`,
  ]);
});

test("a policy on security updates names Intel's statuses and never Revoked", () => {
  expect(problemsOf({ TCB_POLICY: "UpToDate,Revoked" })[0]).toMatch(/^TCB_POLICY: expected some/);
});

test.each([
  ["RPC_URLS", "http://user:hunter2@rpc,ftp://hunter2"],
  ["RPC_URLS", "http://rpc/hunter2,http://rpc/hunter2"],
  ["RPC_URLS", "hunter2"],
  ["ENDPOINT", "http://user:hunter2@node"],
  ["ENDPOINT", "http://node/hunter2"],
  ["PCCS_URL", "user:hunter2@pccs"],
  ["DSTACK_SIMULATOR_ENDPOINT", "ws://user:hunter2@agent"],
])("the problem with %s does not repeat its value", (name, value) => {
  const problems = problemsOf({ [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${name}: expected .*is set to is not shown$`));
  expect(problems.join()).not.toContain("hunter2");
});

test("a quorum larger than the number of endpoints can never be had", () => {
  expect(problemsOf({ RPC_URLS: "http://a,http://b", RPC_QUORUM: "3" })).toEqual([
    "RPC_QUORUM: expected at most the number of RPC_URLS, 2, got 3",
  ]);
});

test("a long value is cut in its problem", () => {
  expect(problemsOf({ HTTP_PORT: "9".repeat(5_000) })[0]?.length).toBeLessThan(150);
});

test("a variable that is set to nothing counts as unset", () => {
  expect(configOf({ HTTP_PORT: "", PCCS_URL: "", REMOVE_AFTER_MS: "" })).toEqual(configOf({}));
  expect(problemsOf({ ENDPOINT: "" })[0]).toMatch(/^ENDPOINT: not set; expected an http URL/);
});

test.each([
  ["RPC_URL", "RPC_URLS"],
  ["CONTRACT_ADRESS", "CONTRACT_ADDRESS"],
  ["ENDPIONT", "ENDPOINT"],
  ["http_port", "HTTP_PORT"],
  ["DATADIR", "DATA_DIR"],
  ["SUSPECT_MS", "SUSPECT_AFTER_MS"],
  ["CHECKPOINT_INTERVAL", "CHECKPOINT_EVERY"],
  ["ANCHOR_INTERVAL_MS", "ANCHOR_EVERY_MS"],
  ["REMOVE_SILENT_MS", "REMOVE_AFTER_MS"],
])("%s is unknown, and %s is suggested", (name, meant) => {
  expect(problemsOf({ [name]: "1" })).toEqual([
    `${name}: unknown variable; did you mean ${meant}?`,
  ]);
});

test("what has nothing to do with a node is passed over", () => {
  const others = {
    PATH: "/bin",
    HOME: "/root",
    HOSTNAME: "x",
    HTTP_PROXY: "http://p",
    NODE_ENV: "production",
    NODE_OPTIONS: "",
    npm_config_loglevel: "warn",
    TERM: "xterm",
    LANG: "C",
    XDG_DATA_DIRS: "/usr/share",
  };
  expect(configOf(others)).toEqual(configOf({}));
});
